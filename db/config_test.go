package db

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"labhook/engine"

	"github.com/google/go-cmp/cmp"
)

// checkInvalid fails unless err says that this field is wrong.
func checkInvalid(t *testing.T, err error, field string) {
	t.Helper()
	bad, ok := errors.AsType[engine.InvalidError](err)
	if !ok || len(bad) != 1 || bad[0].Field != field || bad[0].Message == "" {
		t.Errorf("error is %v, want one about the field %s", err, field)
	}
}

func TestConsumers(t *testing.T) {
	t.Parallel()
	b := &bench{Store: open(t, Options{})}
	c := engine.APIConsumer{
		Name: "Lab platform", ExternalID: "lab-1", Description: "d", DefaultOrganization: "o", ConsumingPlatform: "p",
		ConsumingPlatformVersion: "1", TechnicalContact: "t", Enabled: true, Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond),
	}
	got, err := b.CreateConsumer(t.Context(), dana, c)
	must(t, err)
	c.ID, c.CreatedAt, c.UpdatedAt, c.CreatedBy, c.UpdatedBy = got.ID, got.CreatedAt, got.UpdatedAt, dana.Name, dana.Name
	if diff := cmp.Diff(c, got); diff != "" || got.ID == 0 || got.CreatedAt.IsZero() {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if found := b.Directory().ConsumerNamed("lab-1"); found == nil || *found != got {
		t.Errorf("the directory holds %+v", found)
	}
	_, err = b.CreateConsumer(t.Context(), dana, engine.APIConsumer{Name: "Second", ExternalID: "lab-1"})
	checkInvalid(t, err, "external_id")
	_, err = b.CreateConsumer(t.Context(), dana, engine.APIConsumer{})
	checkInvalid(t, err, "name")

	got.Name, got.ExternalID = "Lab platform 2", ""
	got, err = b.UpdateConsumer(t.Context(), engine.Actor{Name: "Robin"}, got)
	must(t, err)
	if got.Name != "Lab platform 2" || got.ExternalID != "" || got.UpdatedBy != "Robin" || got.CreatedBy != dana.Name {
		t.Errorf("updated: %+v", got)
	}
	if read, err := b.Consumer(t.Context(), got.ID); err != nil || read != got {
		t.Errorf("read back: %+v, %v", read, err)
	}
	if _, err := b.Consumer(t.Context(), 1); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("no such consumer: %v", err)
	}
	if _, err := b.UpdateConsumer(t.Context(), dana, engine.APIConsumer{ID: 1, Name: "x"}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("update of no such consumer: %v", err)
	}
	audit, err := b.ListAudit(t.Context(), 1)
	must(t, err)
	want := "name: \"Lab platform\" → \"Lab platform 2\"\nexternal_id: \"lab-1\" → \"\""
	if audit[0].Action != "consumer.update" || audit[0].Object != got.ID.String() || audit[0].Detail != want {
		t.Errorf("audit: %+v", audit[0])
	}
}

func TestListConsumers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.newWebhook(t, b.consumer.ID, "Off")
	_, err := b.SetWebhookEnabled(t.Context(), dana, w.ID, false)
	must(t, err)
	d := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	b.record(t, attempt(d, b.webhook, 1, 200))
	old, err := b.CreateConsumer(t.Context(), dana, engine.APIConsumer{Name: "A first one", ExternalID: "old", Enabled: true, Expires: start.AddDate(-1, 0, 0)})
	must(t, err)
	off, err := b.CreateConsumer(t.Context(), dana, engine.APIConsumer{Name: "zzz"})
	must(t, err)
	tests := []struct {
		filter ConsumerFilter
		want   []engine.ConsumerID
	}{
		{ConsumerFilter{}, []engine.ConsumerID{old.ID, b.consumer.ID, off.ID}},
		{ConsumerFilter{Sort: "-name"}, []engine.ConsumerID{off.ID, b.consumer.ID, old.ID}},
		{ConsumerFilter{Sort: "-webhooks"}, []engine.ConsumerID{b.consumer.ID, old.ID, off.ID}},
		{ConsumerFilter{Sort: "-last_event"}, []engine.ConsumerID{b.consumer.ID, old.ID, off.ID}},
		{ConsumerFilter{Sort: "created"}, []engine.ConsumerID{b.consumer.ID, old.ID, off.ID}},
		{ConsumerFilter{Sort: "-external_id"}, []engine.ConsumerID{old.ID, b.consumer.ID, off.ID}},
		{ConsumerFilter{Text: "PLATFORM"}, []engine.ConsumerID{b.consumer.ID}},
		{ConsumerFilter{Text: "hooks.example"}, []engine.ConsumerID{b.consumer.ID}},
		{ConsumerFilter{Text: "OLD"}, []engine.ConsumerID{old.ID}},
		{ConsumerFilter{State: engine.ConsumerActive}, []engine.ConsumerID{b.consumer.ID}},
		{ConsumerFilter{State: engine.ConsumerExpired}, []engine.ConsumerID{old.ID}},
		{ConsumerFilter{State: engine.ConsumerDisabled}, []engine.ConsumerID{off.ID}},
	}
	for _, tt := range tests {
		rows, err := b.ListConsumers(t.Context(), tt.filter)
		must(t, err)
		var got []engine.ConsumerID
		for _, r := range rows {
			got = append(got, r.ID)
			if r.ID == b.consumer.ID && (r.Webhooks != 2 || r.WebhooksEnabled != 1 || r.Last24h.Counts != engine.Counts{Delivered: 1, Attempts: 1} || r.Last24h.Hours[HealthHours-1] != r.Last24h.Counts || !r.LastEventAt.Equal(d.ID.Time())) {
				t.Errorf("row: %+v", r)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: got %v, want %v", tt.filter, got, tt.want)
		}
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := engine.Webhook{
		ConsumerID: b.consumer.ID, Name: "Full", Events: []string{engine.LabScored, engine.LabSaved}, Verb: "PUT", URL: "https://hooks.example.com/x",
		Headers: []engine.Header{{Name: "X-A", Value: "1"}}, Content: `{"a": 1}`, ContentType: "application/json", Enabled: true, Blocking: true,
		Delay: 5 * time.Second, Timeout: 7 * time.Second, Retries: 2, ErrorAction: engine.ErrorActionEndLab, NotificationText: "n", EndLabConfirmed: true,
		RetryPolicy: engine.StudioPolicy.Name, Description: "d", Signing: engine.Signing{Scheme: engine.SigningNone},
	}
	got, err := b.CreateWebhook(t.Context(), dana, w)
	must(t, err)
	w.ID, w.Position, w.Version = got.ID, 2, 1
	w.CreatedAt, w.UpdatedAt, w.CreatedBy, w.UpdatedBy = got.CreatedAt, got.CreatedAt, dana.Name, dana.Name
	if diff := cmp.Diff(w, got); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	second := w
	_, err = b.CreateWebhook(t.Context(), dana, second)
	checkInvalid(t, err, "name")
	_, err = b.CreateWebhook(t.Context(), dana, engine.NewWebhook(1))
	if err == nil {
		t.Error("an empty webhook was stored")
	}
	second.ConsumerID = 1
	if _, err = b.CreateWebhook(t.Context(), dana, second); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a webhook of nobody: %v, want ErrNotFound", err)
	}

	edited := got
	edited.Name, edited.Retries, edited.Position, edited.ConsumerID = "Fuller", 4, 99, 1
	edited, err = b.UpdateWebhook(t.Context(), dana, edited)
	must(t, err)
	if edited.Name != "Fuller" || edited.Retries != 4 || edited.Version != 2 || edited.Position != 2 || edited.ConsumerID != b.consumer.ID {
		t.Errorf("updated: %+v", edited)
	}
	if _, err := b.UpdateWebhook(t.Context(), dana, got); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("an update of what was changed meanwhile: %v, want ErrConflict", err)
	}
	edited.Name = b.webhook.Name
	_, err = b.UpdateWebhook(t.Context(), dana, edited)
	checkInvalid(t, err, "name")
	first, err := b.WebhookVersion(t.Context(), got.ID, 1)
	must(t, err)
	if diff := cmp.Diff(got, first); diff != "" {
		t.Errorf("version 1 (-want +got):\n%s", diff)
	}
	if _, err := b.WebhookVersion(t.Context(), got.ID, 9); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("no such version: %v", err)
	}

	must(t, b.DeleteWebhook(t.Context(), dana, got.ID))
	if b.Directory().Webhook(got.ID) != nil {
		t.Error("the deleted webhook is in the directory")
	}
	gone, err := b.Webhook(t.Context(), got.ID)
	must(t, err)
	if gone.DeletedAt.IsZero() || gone.Name != "Fuller" {
		t.Errorf("deleted: %+v", gone)
	}
	if err := b.DeleteWebhook(t.Context(), dana, got.ID); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("deleted again: %v", err)
	}
	if _, err := b.Webhook(t.Context(), 1); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("no such webhook: %v", err)
	}
	b.newWebhook(t, b.consumer.ID, "Fuller") // the name is free again
}

// TestOutOfUse takes webhooks and consumers out of use and looks what becomes of their deliveries.
func TestOutOfUse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do     func(t *testing.T, b *bench) error
		reason string
	}{
		"webhook disabled": {func(t *testing.T, b *bench) error {
			_, err := b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, false)
			return err
		}, "The webhook was disabled."},
		"webhook edited to disabled": {func(t *testing.T, b *bench) error {
			b.webhook.Enabled = false
			_, err := b.UpdateWebhook(t.Context(), dana, b.webhook)
			return err
		}, "The webhook was disabled."},
		"webhook deleted": {func(t *testing.T, b *bench) error {
			return b.DeleteWebhook(t.Context(), dana, b.webhook.ID)
		}, "The webhook was deleted."},
		"consumer disabled": {func(t *testing.T, b *bench) error {
			b.consumer.Enabled = false
			_, err := b.UpdateConsumer(t.Context(), dana, b.consumer)
			return err
		}, "The API consumer was disabled."},
		"consumer deleted": {func(t *testing.T, b *bench) error {
			return b.DeleteConsumer(t.Context(), dana, b.consumer.ID)
		}, "The API consumer was deleted."},
		"consumer expired": {func(t *testing.T, b *bench) error {
			b.consumer.Expires = time.Now().Add(-time.Minute)
			_, err := b.UpdateConsumer(t.Context(), dana, b.consumer)
			return err
		}, "The API consumer has expired."},
		"consumer expires later": {func(t *testing.T, b *bench) error {
			b.consumer.Expires = time.Now().Add(time.Hour)
			_, err := b.UpdateConsumer(t.Context(), dana, b.consumer)
			return err
		}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			other := b.newConsumer(t, "Other")
			spared := b.accept(t, b.newWebhook(t, other.ID, "Spared"), engine.StateQueued, start)
			e := newEvent()
			var waiting []engine.Delivery
			for _, state := range []engine.DeliveryState{engine.StateScheduled, engine.StateQueued, engine.StateRetrying} {
				d := newDelivery(e, b.webhook, engine.StateSending, time.Time{})
				into(&d, state)
				waiting = append(waiting, d)
			}
			sending := newDelivery(e, b.webhook, engine.StateSending, time.Time{})
			done := newDelivery(e, b.webhook, engine.StateSending, time.Time{})
			into(&done, engine.StateDelivered)
			_, err := insertAll(b, e, append(slices.Clone(waiting), sending, done))
			must(t, err)
			held := engine.NewID[engine.DeliveryID]()
			must(t, insertRow(b, t, "deliveries", row{
				"id": int64(held), "event": int64(e.ID), "consumer": int64(b.consumer.ID), "webhook": int64(b.webhook.ID), "state": "held", "lane": 7,
				"blocking": 0, "test": 0, "claim": 0, "trigger": "automatic", "attempts": 0, "reason": "", "last_class": "", "created_at": 1,
			}))

			must(t, tt.do(t, b))
			ids := []engine.DeliveryID{held}
			for _, d := range waiting {
				ids = append(ids, d.ID)
			}
			for _, id := range ids {
				got, err := b.Delivery(t.Context(), id)
				must(t, err)
				cancelled := got.State == engine.StateCancelled && got.Reason == tt.reason && got.DueAt.IsZero() && !got.FinishedAt.IsZero()
				if cancelled != (tt.reason != "") {
					t.Errorf("a waiting delivery is %+v", got.Delivery)
				}
			}
			for id, want := range map[engine.DeliveryID]engine.DeliveryState{
				sending.ID: engine.StateSending, done.ID: engine.StateDelivered, spared.ID: engine.StateQueued,
			} {
				if state := b.state(t, id); state != want {
					t.Errorf("a delivery in %s became %s", want, state)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range engine.MaxWebhooksPerConsumer - 1 {
		must(t, b.writer.do(t.Context(), func(t *tx) error {
			w := b.webhook
			w.ID, w.Name, w.Position = engine.NewID[engine.WebhookID](), fmt.Sprint("Webhook ", i), i+2
			return b.insertWebhook(t, &w)
		}))
	}
	must(t, b.writer.do(t.Context(), func(t *tx) error { return b.reload(t, b.consumer.ID) }))
	w := b.webhook
	w.Name = "One too many"
	_, err := b.CreateWebhook(t.Context(), dana, w)
	checkInvalid(t, err, "name")

	k := engine.APIKey{Description: "CI", Scope: engine.ScopeSend, ConsumerID: b.consumer.ID}
	for range engine.MaxKeysPerOwner {
		_, _, err := b.CreateKey(t.Context(), dana, k)
		must(t, err)
	}
	_, _, err = b.CreateKey(t.Context(), dana, k)
	checkInvalid(t, err, "description")
	k.ConsumerID = 0
	platform, _, err := b.CreateKey(t.Context(), dana, k)
	must(t, err)
	keys, err := b.Keys(t.Context(), 0)
	must(t, err)
	if len(keys) != 1 || keys[0].ID != platform.ID {
		t.Errorf("platform keys: %+v", keys)
	}
	keys, err = b.Keys(t.Context(), b.consumer.ID)
	must(t, err)
	must(t, b.RevokeKey(t.Context(), dana, keys[0].ID))
	k.ConsumerID = b.consumer.ID
	_, _, err = b.CreateKey(t.Context(), dana, k) // a revoked key makes room
	must(t, err)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	k, secret, err := b.CreateKey(t.Context(), dana, engine.APIKey{
		ConsumerID: b.consumer.ID, Description: "Lab platform, production", Scope: engine.ScopeManage, LastUsedIP: "made up",
	})
	must(t, err)
	if !strings.HasPrefix(secret.Reveal(), k.Prefix) || !k.Enabled || k.LastUsedIP != "" {
		t.Errorf("created %+v for a key of %d characters", k, len(secret))
	}
	for range 3 { // from the disk, then from memory
		got, owner, err := b.Authenticate(t.Context(), secret.Reveal(), "192.0.2.1")
		must(t, err)
		if got.ID != k.ID || got.Scope != engine.ScopeManage || got.ConsumerID != b.consumer.ID || owner.ID != b.consumer.ID {
			t.Errorf("authenticated as %+v of %+v", got, owner)
		}
	}
	must(t, b.SetSetting(t.Context(), "a", "b")) // goes behind the note that the key was used
	used, err := b.Key(t.Context(), k.ID)
	must(t, err)
	if used.LastUsedIP != "192.0.2.1" || time.Since(used.LastUsedAt) > time.Minute {
		t.Errorf("last used: %+v", used)
	}
	expired, past, err := b.CreateKey(t.Context(), dana, engine.APIKey{Description: "Old", Scope: engine.ScopeRead, Expires: start.AddDate(-1, 0, 0)})
	must(t, err)
	must(t, b.RevokeKey(t.Context(), dana, k.ID))
	must(t, b.RevokeKey(t.Context(), dana, k.ID))
	for name, key := range map[string]string{"revoked": secret.Reveal(), "expired": past.Reveal(), "unknown": "lhk_nothing", "empty": ""} {
		if _, _, err := b.Authenticate(t.Context(), key, "192.0.2.1"); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("a key that is %s: %v, want ErrNotFound", name, err)
		}
	}
	must(t, b.SetSetting(t.Context(), "a", "b"))
	if k, err := b.Key(t.Context(), expired.ID); err != nil || !k.LastUsedAt.IsZero() {
		t.Errorf("an expired key counts as used: %+v, %v", k, err)
	}
	if err := b.RevokeKey(t.Context(), dana, 1); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("revoking nothing: %v", err)
	}
	_, _, err = b.CreateKey(t.Context(), dana, engine.APIKey{Scope: engine.ScopeSend})
	checkInvalid(t, err, "description")
}

func TestDiffValue(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 150)
	if got := diffValue(long); got != fmt.Sprintf("%q… (300 bytes)", strings.Repeat("ä", 100)) {
		t.Errorf("a long value is shown as %s", got)
	}
	if got := diffValue("x" + long); strings.Contains(got, `\x`) {
		t.Errorf("a character was cut: %s", got)
	}
}
