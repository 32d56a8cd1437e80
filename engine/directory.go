package engine

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Directory is all consumers, webhooks and event types at one moment. It never changes: the store publishes a new one with
// each change of the configuration, before it answers the change. Safe for concurrent use.
type Directory struct {
	consumers map[ConsumerID]*listed
	webhooks  map[WebhookID]*Webhook
	deleted   map[ConsumerID]*APIConsumer // what old deliveries and events name; nothing else knows of them
	catalog   *Catalog

	once       sync.Once
	byType     map[string][]*Webhook // enabled webhooks that listen to a type some webhook names, in the order of sending
	toAll      []*Webhook            // enabled webhooks that listen to all events: what any other type concerns
	byExternal map[string]*APIConsumer
}

// listed is one consumer with its webhooks in their order.
type listed struct {
	consumer *APIConsumer
	webhooks []*Webhook
	urls     map[WebhookID]string // as sameURL writes them; nil: each webhook is sent, whatever its URL
	plans    map[WebhookID]func() *plan
}

// NewDirectory returns a directory without anything in it.
func NewDirectory() *Directory {
	return &Directory{consumers: map[ConsumerID]*listed{}, webhooks: map[WebhookID]*Webhook{}, catalog: BuiltIn}
}

// Catalog returns the event types: the built-in ones with the administrators' own.
func (d *Directory) Catalog() *Catalog { return d.catalog }

// WithEventTypes returns a directory in which the administrators' event types are the given ones.
func (d *Directory) WithEventTypes(own []EventType) *Directory {
	return &Directory{consumers: d.consumers, webhooks: d.webhooks, deleted: d.deleted, catalog: d.catalog.With(own)}
}

// With returns a directory in which the consumer and all its webhooks, deleted ones left out, are the given ones.
func (d *Directory) With(c *APIConsumer, webhooks []*Webhook) *Directory {
	next := d.Without(c.ID)
	l := &listed{consumer: c, webhooks: webhooks, plans: make(map[WebhookID]func() *plan, len(webhooks))}
	if c.OneSendPerURL {
		l.urls = make(map[WebhookID]string, len(webhooks))
	}
	next.consumers[c.ID] = l
	for _, w := range webhooks {
		next.webhooks[w.ID] = w
		l.plans[w.ID] = sync.OnceValue(func() *plan { return newPlan(w) })
		if c.OneSendPerURL {
			l.urls[w.ID] = sameURL(w.URL)
		}
	}
	return next
}

// Without returns a directory that lacks the consumer and its webhooks.
func (d *Directory) Without(id ConsumerID) *Directory {
	next := &Directory{consumers: maps.Clone(d.consumers), webhooks: maps.Clone(d.webhooks), deleted: d.deleted, catalog: d.catalog}
	if old := next.consumers[id]; old != nil {
		for _, w := range old.webhooks {
			delete(next.webhooks, w.ID)
		}
		delete(next.consumers, id)
	}
	return next
}

// WithDeleted returns a directory in which the consumer and its webhooks were deleted.
func (d *Directory) WithDeleted(c *APIConsumer) *Directory {
	next := d.Without(c.ID)
	next.deleted = maps.Clone(d.deleted)
	if next.deleted == nil {
		next.deleted = map[ConsumerID]*APIConsumer{}
	}
	next.deleted[c.ID] = c
	return next
}

// Deleted returns a consumer that was deleted and must not be changed; nil when none with that id was.
func (d *Directory) Deleted(id ConsumerID) *APIConsumer { return d.deleted[id] }

// Consumer returns a consumer that must not be changed; nil when there is none or it was deleted.
func (d *Directory) Consumer(id ConsumerID) *APIConsumer {
	if l := d.consumers[id]; l != nil {
		return l.consumer
	}
	return nil
}

// ConsumerNamed finds a consumer by its id or its external id; nil when there is none.
func (d *Directory) ConsumerNamed(name string) *APIConsumer {
	if id, err := ParseID[ConsumerID](name); err == nil {
		return d.Consumer(id)
	}
	d.once.Do(d.index)
	return d.byExternal[name]
}

// Webhook returns a webhook that must not be changed; nil when there is none or it was deleted.
func (d *Directory) Webhook(id WebhookID) *Webhook { return d.webhooks[id] }

// plan returns how a webhook's requests are made: worked out once for those of the directory.
func (d *Directory) plan(w *Webhook) *plan {
	if l := d.consumers[w.ConsumerID]; l != nil && d.webhooks[w.ID] == w {
		return l.plans[w.ID]()
	}
	return newPlan(w)
}

// Webhooks returns a consumer's webhooks in their order. The slice must not be changed.
func (d *Directory) Webhooks(id ConsumerID) []*Webhook {
	if l := d.consumers[id]; l != nil {
		return l.webhooks
	}
	return nil
}

// Consumers returns all consumers, oldest first.
func (d *Directory) Consumers() []*APIConsumer {
	all := make([]*APIConsumer, 0, len(d.consumers))
	for _, id := range slices.Sorted(maps.Keys(d.consumers)) {
		all = append(all, d.consumers[id].consumer)
	}
	return all
}

// NextExpiry returns when the first enabled consumer expires after a time; zero when none does.
func (d *Directory) NextExpiry(after time.Time) time.Time {
	var next time.Time
	for _, l := range d.consumers {
		at := l.consumer.Expires
		if l.consumer.Enabled && at.After(after) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// Unusable says why nothing may be sent for a webhook now, in words for a person; "" when it may.
func (d *Directory) Unusable(id WebhookID, now time.Time) string {
	w := d.webhooks[id]
	if w == nil {
		return "The webhook was deleted."
	}
	switch {
	case w.Enabled:
	case w.DeactivateReason.ByItself():
		return w.DeactivateReason.CancelReason()
	default:
		return "The webhook is disabled."
	}
	switch d.consumers[w.ConsumerID].consumer.State(now) {
	case ConsumerDisabled:
		return "The API consumer is disabled."
	case ConsumerExpired:
		return "The API consumer has expired."
	}
	return ""
}

// index fills what Match and ConsumerNamed look up. It is made on first use, so that many changes in a row do not
// pay for it.
func (d *Directory) index() {
	d.byType, d.byExternal = map[string][]*Webhook{}, map[string]*APIConsumer{}
	ids := slices.Sorted(maps.Keys(d.consumers))
	for _, id := range ids {
		l := d.consumers[id]
		if l.consumer.ExternalID != "" {
			d.byExternal[l.consumer.ExternalID] = l.consumer
		}
		for _, w := range l.webhooks {
			for _, code := range w.Events {
				if w.Enabled && code != AllEvents {
					d.byType[code] = nil
				}
			}
		}
	}
	for _, id := range ids {
		for _, w := range d.consumers[id].webhooks {
			switch {
			case !w.Enabled:
			case slices.Contains(w.Events, AllEvents):
				d.toAll = append(d.toAll, w)
				for code := range d.byType {
					if !BuiltIn.System(code) {
						d.byType[code] = append(d.byType[code], w)
					}
				}
			default:
				for _, code := range w.Events {
					d.byType[code] = append(d.byType[code], w)
				}
			}
		}
	}
}
