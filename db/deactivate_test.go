package db

import (
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// strict changes the bench's webhook to deactivate at a 4xx and after the last retry.
func (b *bench) strict(t testing.TB, change func(*engine.Webhook)) engine.Webhook {
	t.Helper()
	w := b.webhook
	w.RetryPolicy, w.Retries = engine.SkilljarPolicy.Name, 1
	if change != nil {
		change(&w)
	}
	w, err := b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	return w
}

func (b *bench) lastAudit(t testing.TB) AuditEntry {
	t.Helper()
	entries, err := b.ListAudit(t.Context(), 1)
	must(t, err)
	return entries[0]
}

// systemEvents returns the types of the system events that were raised, newest first.
func (b *bench) systemEvents(t testing.TB) (kinds []string) {
	t.Helper()
	page, err := b.ListEvents(t.Context(), engine.EventFilter{})
	must(t, err)
	for _, e := range page.Rows {
		if engine.BuiltIn.System(e.Type) {
			kinds = append(kinds, e.Type)
		}
	}
	return kinds
}

func TestDeactivate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ops := b.newWebhook(t, b.consumer.ID, "Operations")
	ops.Events = []string{engine.SystemWebhookDeactivated, engine.SystemDeliveryFailed}
	_, err := b.UpdateWebhook(t.Context(), dana, ops)
	must(t, err)
	w := b.strict(t, nil)
	waiting := b.accept(t, w, engine.StateScheduled, start.Add(time.Hour))
	d := b.accept(t, w, engine.StateSending, time.Time{})
	other := b.accept(t, w, engine.StateSending, time.Time{})

	began := time.Now().Truncate(time.Millisecond)
	after := b.record(t, attempt(d, w, 1, 404))
	if after.State != engine.StateFailed || after.ErrorAction != engine.ErrorActionLog {
		t.Errorf("the delivery is %+v", after)
	}
	off := b.Directory().Webhook(w.ID)
	if off.Enabled || off.DeactivateReason != engine.DeactivatedBy4xx || off.DeactivatedAt.Before(began) || off.Version != w.Version+1 || off.UpdatedBy != engine.System.Name {
		t.Errorf("the webhook is %+v", off)
	}
	if got, err := b.Delivery(t.Context(), waiting.ID); err != nil || got.State != engine.StateCancelled || got.Reason != engine.DeactivatedBy4xx.CancelReason() {
		t.Errorf("what waited is %s: %q, %v", got.State, got.Reason, err)
	}
	if entry := b.lastAudit(t); entry.Action != "webhook.deactivate" || entry.Who != engine.System || entry.Object != w.ID.String() ||
		!strings.Contains(entry.Detail, `enabled: true → false`) || !strings.Contains(entry.Detail, "HTTP_4XX_RESPONSE") {
		t.Errorf("audit log: %+v", entry)
	}
	if got := b.systemEvents(t); len(got) != 2 || got[0] != engine.SystemWebhookDeactivated || got[1] != engine.SystemDeliveryFailed {
		t.Errorf("raised %v", got)
	}

	b.record(t, attempt(other, w, 1, 404))
	if again := b.Directory().Webhook(w.ID); again.Version != off.Version {
		t.Error("it was deactivated twice")
	}
	version, err := b.WebhookVersion(t.Context(), w.ID, off.Version)
	must(t, err)
	if version.Enabled {
		t.Error("the version of the deactivation is enabled")
	}
}

// TestDeactivateOnSuccess: a receiver may ask for it with any status.
func TestDeactivateOnSuccess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	r := attempt(d, b.webhook, 1, 200)
	r.Attempt.Outcome.Deactivate = engine.DeactivatedByReceiver
	if after := b.record(t, r); after.State != engine.StateDelivered {
		t.Errorf("the delivery is %s", after.State)
	}
	if off := b.Directory().Webhook(b.webhook.ID); off.Enabled || off.DeactivateReason != engine.DeactivatedByReceiver {
		t.Errorf("the webhook is enabled: %t for %q", off.Enabled, off.DeactivateReason)
	}
}

// TestDeactivatedBySystemEvent: what the delivery of a system event comes to raises no other.
func TestDeactivatedBySystemEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.strict(t, func(w *engine.Webhook) { w.Events = []string{engine.SystemWebhookDeactivated} })
	ops := b.newWebhook(t, b.consumer.ID, "Operations")
	ops.Events = w.Events
	ops, err := b.UpdateWebhook(t.Context(), dana, ops)
	must(t, err)
	third := b.newWebhook(t, b.consumer.ID, "Third")
	_, err = b.SetWebhookEnabled(t.Context(), dana, third.ID, false) // which both are told of
	must(t, err)
	claims, err := b.ClaimDue(t.Context(), time.Now(), []engine.Want{{WebhookID: w.ID, Limit: 9}})
	must(t, err)
	b.record(t, attempt(claims[0].Taken[0].Delivery, w, 1, 404))
	if off := b.Directory().Webhook(w.ID); off.DeactivateReason != engine.DeactivatedBy4xx {
		t.Errorf("the webhook is off for %q", off.DeactivateReason)
	}
	if n := b.countOf(t, ops, engine.StateQueued); n != 1 || len(b.systemEvents(t)) != 1 {
		t.Errorf("%d deliveries of %v", n, b.systemEvents(t))
	}
}

// TestNotDeactivated by what decides nothing.
func TestNotDeactivated(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(b *bench, d engine.Delivery, r *engine.Record){
		"another version": func(_ *bench, _ engine.Delivery, r *engine.Record) { r.Attempt.WebhookVersion-- },
		"another claim":   func(_ *bench, _ engine.Delivery, r *engine.Record) { r.Claim++ },
		"a cancelled delivery": func(b *bench, d engine.Delivery, _ *engine.Record) {
			_, err := b.ChangeDelivery(t.Context(), dana, d.ID, engine.Change{Step: engine.StepCancel, Now: start, Reason: "Not wanted."})
			must(t, err)
		},
	} {
		b := setup(t)
		w := b.strict(t, nil)
		d := b.accept(t, w, engine.StateSending, time.Time{})
		r := attempt(d, w, 1, 404)
		spoil(b, d, &r)
		b.record(t, r)
		if now := b.Directory().Webhook(w.ID); !now.Enabled || now.Version != w.Version {
			t.Errorf("%s: the webhook is off for %q", name, now.DeactivateReason)
		}
	}
}

// TestSwitchedByHand notes why and since when a webhook is off, whatever the caller says about that.
func TestSwitchedByHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	check := func(what string, w engine.Webhook, on bool, since time.Time) {
		t.Helper()
		if w.Enabled != on || w.DeactivatedAt.IsZero() != on || (w.DeactivateReason == engine.DeactivatedByHand) == on ||
			!since.IsZero() && !w.DeactivatedAt.Equal(since) {
			t.Errorf("%s: enabled %t, %q since %s", what, w.Enabled, w.DeactivateReason, w.DeactivatedAt)
		}
	}
	off, err := b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, false)
	must(t, err)
	check("switched off", off, false, time.Time{})
	again, err := b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, false)
	must(t, err)
	check("switched off again", again, false, off.DeactivatedAt)
	again.DeactivateReason, again.DeactivatedAt = engine.DeactivatedByGone, start
	edited, err := b.UpdateWebhook(t.Context(), dana, again)
	must(t, err)
	check("edited while off", edited, false, off.DeactivatedAt)
	edited.Enabled = true
	on, err := b.UpdateWebhook(t.Context(), dana, edited)
	must(t, err)
	check("edited to be on", on, true, time.Time{})
	on.Enabled, on.DeactivateReason = false, engine.DeactivatedByGone
	off, err = b.UpdateWebhook(t.Context(), dana, on)
	must(t, err)
	check("edited to be off", off, false, time.Time{})
	on, err = b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, true)
	must(t, err)
	check("switched on", on, true, time.Time{})

	w := engine.NewWebhook(b.consumer.ID)
	w.Name, w.URL, w.Events, w.Enabled = "Later", "https://hooks.example.com/lab", []string{engine.LabScored}, false
	w, err = b.CreateWebhook(t.Context(), dana, w)
	must(t, err)
	check("made off", w, false, w.CreatedAt)
}

// TestSwitchedOnEndsPause: what made a webhook pause is of before it was switched off.
func TestSwitchedOnEndsPause(t *testing.T) {
	t.Parallel()
	b := setup(t)
	must(t, b.writer.do(t.Context(), func(t *tx) error {
		return t.putStreak(engine.Streak{
			WebhookID: b.webhook.ID, Since: start, Attempts: engine.PauseAttempts, Deliveries: 9, Spell: 3, Told: true,
			PausedUntil: time.Now().Add(time.Hour),
		})
	}))
	for _, on := range []bool{false, true} {
		_, err := b.SetWebhookEnabled(t.Context(), dana, b.webhook.ID, on)
		must(t, err)
	}
	s, err := b.Streak(t.Context(), b.webhook.ID)
	must(t, err)
	if s.Paused() || !s.Told {
		t.Errorf("the streak is %+v, want no pause and that recovery will be told", s)
	}
}
