package db

import (
	"errors"
	"slices"
	"testing"
	"time"

	"labhook/engine"
)

// TestDeleteConsumer deletes a consumer that has webhooks, keys and a closed gate, and opens its files again.
func TestDeleteConsumer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := &bench{Store: open(t, Options{Dir: dir})}
	var err error
	b.consumer, err = b.CreateConsumer(t.Context(), dana, engine.APIConsumer{Name: "Lab platform", ExternalID: "labs", Enabled: true})
	must(t, err)
	b.webhook = b.newWebhook(t, b.consumer.ID, "Gradebook")
	second := b.newWebhook(t, b.consumer.ID, "Second")
	other := b.newWebhook(t, b.newConsumer(t, "Other").ID, "Elsewhere")
	key, secret, err := b.CreateKey(t.Context(), dana, engine.APIKey{ConsumerID: b.consumer.ID, Description: "CI", Scope: engine.ScopeManage})
	must(t, err)
	_, _, err = b.Authenticate(t.Context(), secret.Reveal(), "")
	must(t, err)
	d := b.accept(t, b.webhook, engine.StateQueued, start)

	must(t, b.DeleteConsumer(t.Context(), dana, b.consumer.ID))
	if err := b.DeleteConsumer(t.Context(), dana, b.consumer.ID); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("deleted again: %v", err)
	}
	b.checkGone(t, secret, second.ID)
	_, err = b.CreateConsumer(t.Context(), dana, engine.APIConsumer{Name: "Next", ExternalID: "labs"}) // the external id is free again
	must(t, err)
	must(t, b.Close())

	b.Store = open(t, Options{Dir: dir})
	b.checkGone(t, secret, second.ID)
	row, err := b.Delivery(t.Context(), d.ID)
	must(t, err)
	if !row.ConsumerDeleted || row.ConsumerName != "Lab platform" || row.State != engine.StateCancelled {
		t.Errorf("its delivery is %+v", row)
	}
	if b.Directory().Webhook(other.ID) == nil || b.Directory().ConsumerNamed("labs") == nil {
		t.Error("other consumers are gone, too")
	}
	log, err := b.ListAudit(t.Context(), 100)
	must(t, err)
	for action, object := range map[string]string{
		"consumer.delete": b.consumer.ID.String(), "webhook.delete": second.ID.String(), "key.revoke": key.ID.String(),
	} {
		if !slices.ContainsFunc(log, func(e AuditEntry) bool { return e.Action == action && e.Object == object && e.Who == dana }) {
			t.Errorf("the audit log lacks %s of %s", action, object)
		}
	}
}

// checkGone fails unless nothing of the consumer can be used, and its name can be read.
func (b *bench) checkGone(t *testing.T, key engine.Secret, webhook engine.WebhookID) {
	t.Helper()
	gone, err := b.Consumer(t.Context(), b.consumer.ID)
	must(t, err)
	if gone.Name != "Lab platform" || gone.UpdatedBy != dana.Name || gone.State(time.Now()) != engine.ConsumerDeleted {
		t.Errorf("deleted: %+v", gone)
	}
	dir := b.Directory()
	if dir.Consumer(gone.ID) != nil || len(dir.Webhooks(gone.ID)) > 0 || dir.Webhook(webhook) != nil {
		t.Error("the directory knows the consumer or its webhooks")
	}
	rows, err := b.ListConsumers(t.Context(), ConsumerFilter{Text: gone.Name})
	must(t, err)
	if len(rows) > 0 {
		t.Errorf("listed: %+v", rows)
	}
	if w, err := b.Webhook(t.Context(), webhook); err != nil || w.DeletedAt.IsZero() {
		t.Errorf("its webhook is %+v, %v", w, err)
	}
	if _, _, err := b.Authenticate(t.Context(), key.Reveal(), ""); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("its key: %v", err)
	}
	if _, err := b.CreateWebhook(t.Context(), dana, b.webhook); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a new webhook of it: %v", err)
	}
	if _, _, err := b.CreateKey(t.Context(), dana, engine.APIKey{ConsumerID: gone.ID, Description: "x", Scope: engine.ScopeRead}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a new key of it: %v", err)
	}
}
