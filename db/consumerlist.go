package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"labhook/engine"
)

// ConsumerFilter chooses API consumers; zero fields choose all.
type ConsumerFilter struct {
	Text  string // in the name, the external id, or the name or URL of a webhook, in any case
	State engine.ConsumerState
	// Sort is "name" (when empty), "external_id", "webhooks", "last_event" or "created"; with a leading "-" in
	// falling order.
	Sort string
}

// ConsumerRow is an API consumer with what a list shows beside it.
type ConsumerRow struct {
	engine.APIConsumer
	WebhooksEnabled, Webhooks int
	Last24h                   Day
	LastEventAt               time.Time // when its newest delivery was made; zero: never
}

// ListConsumers returns the consumers that the filter chooses. They are at most a few thousand and stand in memory;
// only their counters and newest deliveries are read.
func (s *Store) ListConsumers(ctx context.Context, f ConsumerFilter) ([]ConsumerRow, error) {
	now, directory := time.Now(), s.Directory()
	health, err := s.AllWebhookHealth(ctx, now)
	if err != nil {
		return nil, err
	}
	newest, err := s.newestDeliveries(ctx)
	if err != nil {
		return nil, err
	}
	var rows []ConsumerRow
	for _, c := range directory.Consumers() {
		webhooks := directory.Webhooks(c.ID)
		if f.State != "" && c.State(now) != f.State || !hasText(c, webhooks, f.Text) {
			continue
		}
		row := ConsumerRow{APIConsumer: *c, Webhooks: len(webhooks)}
		for _, w := range webhooks {
			if w.Enabled {
				row.WebhooksEnabled++
			}
			row.Last24h.addDay(health[w.ID].Day)
		}
		if id := newest[c.ID]; id != 0 {
			row.LastEventAt = id.Time()
		}
		rows = append(rows, row)
	}
	sortConsumers(rows, f.Sort)
	return rows, nil
}

const selectNewestDeliveries = `SELECT c.id, (SELECT max(d.id) FROM deliveries d INDEXED BY deliveries_consumer WHERE d.consumer = c.id)
	FROM consumers c WHERE c.deleted_at IS NULL`

func (s *Store) newestDeliveries(ctx context.Context) (map[engine.ConsumerID]engine.DeliveryID, error) {
	newest, err := listMap(ctx, s, func(row scanner, consumer *engine.ConsumerID, delivery *engine.DeliveryID) error {
		return row.Scan(consumer, orZero(delivery))
	}, selectNewestDeliveries)
	if err != nil {
		return nil, fmt.Errorf("read newest deliveries: %w", err)
	}
	return newest, nil
}

// hasText leaves out the values in the query of URLs, which not everybody may see, and could find out so.
func hasText(c *engine.APIConsumer, webhooks []*engine.Webhook, text string) bool {
	text = strings.ToLower(text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	return has(c.Name) || has(c.ExternalID) || slices.ContainsFunc(webhooks, func(w *engine.Webhook) bool { return has(w.Name) || has(engine.MaskQuery(w.URL)) })
}

func sortConsumers(rows []ConsumerRow, by string) {
	by, falling := strings.CutPrefix(by, "-")
	slices.SortStableFunc(rows, func(a, b ConsumerRow) int {
		var c int
		switch by {
		case "external_id":
			c = cmp.Compare(a.ExternalID, b.ExternalID)
		case "webhooks":
			c = cmp.Compare(a.Webhooks, b.Webhooks)
		case "last_event":
			c = a.LastEventAt.Compare(b.LastEventAt)
		case "created":
			c = cmp.Compare(a.ID, b.ID)
		default:
			c = cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
		}
		if falling {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.ID, b.ID))
	})
}
