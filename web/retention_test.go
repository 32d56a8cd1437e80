package web

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// keep sets the limits of retention as an administrator does.
func (b *bundle) keep(events, bodies string) {
	b.t.Helper()
	const page = "/admin/settings/retention/edit"
	form := formValues(b.t, b.get(page), page)
	form.Set("keep_events", events)
	form.Set("keep_bodies", bodies)
	if a := b.post(page, form); a.status != http.StatusSeeOther {
		b.t.Fatalf("save: status %d, %s", a.status, a.text("#error-summary"))
	}
}

// TestGoneByRetention follows a delivery on the screens: its bodies go, then it goes itself.
func TestGoneByRetention(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	c := b.addConsumer("Contoso LMS")
	hook := b.addWebhook(c.ID, "LMS")
	d := b.addDelivery(&hook)
	b.record(d, engine.OutcomeDelivered, "", func(a *engine.Attempt) { a.Answer.Body = []byte("a private answer") })
	b.keep("90", "30")
	bad := formValues(t, b.get("/admin/settings/retention/edit"), "/admin/settings/retention/edit")
	bad.Set("keep_bodies", "90")
	if a := b.post("/admin/settings/retention/edit", bad); a.status != http.StatusUnprocessableEntity || a.doc.Find("#keep_bodies-problem").Length() != 1 {
		t.Errorf("bodies as long as their events: status %d", a.status)
	}

	retain := func(days int) {
		t.Helper()
		if err := b.store.Retain(t.Context(), time.Now().AddDate(0, 0, days)); err != nil {
			t.Fatal(err)
		}
	}
	retain(31)
	page, event := b.get(views.DeliveryURL(d.ID)), b.get(views.EventURL(d.EventID))
	for name, a := range map[string]answer{"delivery": page, "event": event} {
		if a.status != http.StatusOK || strings.Contains(a.body, "private") || !strings.Contains(strings.ToLower(a.text("main")), "gone by retention") {
			t.Errorf("%s: status %d, %s", name, a.status, a.text("main"))
		}
	}
	if page.doc.Find(`form[action$="/resend"]`).Length() != 0 || !strings.Contains(page.text(".actions"), "deleted by retention on") {
		t.Errorf("resend: %s", page.text(".actions"))
	}
	b.post(views.DeliveryResendURL(d.ID), nil)
	if flash := b.get(views.DeliveryURL(d.ID)).text("main"); !strings.Contains(flash, "Nothing was changed. What it carried was deleted by retention on") {
		t.Errorf("asked all the same: %s", flash)
	}
	for _, raw := range []string{views.AnswerBodyURL(d.ID, 1), views.RequestBodyURL(d.ID, 1), views.EventDataURL(d.EventID)} {
		if a := b.get(raw); a.status != http.StatusGone || !strings.Contains(a.text("h1"), "Gone by retention") {
			t.Errorf("%s: status %d", raw, a.status)
		}
	}

	retain(92)
	for _, path := range []string{views.DeliveryURL(d.ID), views.EventURL(d.EventID)} {
		if a := b.get(path); a.status != http.StatusGone || a.doc.Find("time").Length() == 0 {
			t.Errorf("%s: status %d, %s", path, a.status, a.text("main"))
		}
	}
	for _, path := range []string{"/deliveries", "/events"} {
		if text := b.get(path + "?since=custom&from=2020-01-01T00:00&to=2020-02-01T00:00").text(".empty"); !strings.HasPrefix(strings.TrimSpace(text), "Gone by retention") {
			t.Errorf("%s of long ago: %q", path, text)
		}
		if text := b.get(path + "?q=998592321").text(".empty"); !strings.Contains(text, "was deleted by retention") {
			t.Errorf("%s of a lab: %q", path, text)
		}
	}
	if text := b.get("/lab-instances?q=998592321").text(".empty"); !strings.Contains(text, "was deleted by retention") {
		t.Errorf("the lab: %q", text)
	}
	if text := b.get("/admin/settings/retention").text("#room ~ dl"); !strings.Contains(text, "1 event and the bodies of 0 more were deleted") {
		t.Errorf("the last run: %q", text)
	}
}

// TestRetentionRunsByItself lets time pass in a server that was told to keep events for a day.
func TestRetentionRunsByItself(t *testing.T) {
	t.Parallel()
	actual := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(actual)) // ids never go back, and retention goes by the time in them
		store, guard := dbtest.Open(t), enginetest.StrictGuard()
		log := slog.New(slog.DiscardHandler)
		e := engine.New(engine.Config{Guard: guard, Log: log}, store)
		if _, err := New(t.Context(), Config{Store: store, Engine: e, Guard: guard, Log: log}); err != nil {
			t.Fatal(err)
		}
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := store.ChangeSettings(t.Context(), engine.System, engine.RetentionSettings, 0,
			map[string]string{"keep_events": "1", "keep_bodies": "0", "keep_audit": "0", "keep_totals": "0"})
		if err != nil {
			t.Fatal(err)
		}
		sent, err := e.Accept(t.Context(), &engine.Event{Type: engine.LabScored, Data: []byte(`{"Id": 1}`)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour - time.Minute)
		if _, err := store.Event(t.Context(), sent.Event.ID); err != nil {
			t.Errorf("before its time: %v", err)
		}
		time.Sleep(time.Hour + 2*time.Minute)
		if _, err := store.Event(t.Context(), sent.Event.ID); err == nil {
			t.Error("after its time it is there")
		}
		if err := e.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
