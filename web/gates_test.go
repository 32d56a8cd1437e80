package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/views"
)

func TestGateStates(t *testing.T) {
	t.Parallel()
	opensAll := func(b *labBundle, _ engine.Delivery) {
		if _, err := b.store.OpenLateGates(b.t.Context(), time.Now().Add(2*time.Hour).Truncate(time.Millisecond), 10); err != nil {
			b.t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		change func(*engine.Webhook)
		then   func(*labBundle, engine.Delivery)
		badge  string
		text   []string
		closed bool
		hasten bool
	}{
		"sending": {badge: "Closed, sending", text: []string{"Attempt 1 of 4 is on its way.", "It holds 3 deliveries of 2 events."}, closed: true},
		"retrying": {
			then:  func(b *labBundle, d engine.Delivery) { b.record(d, engine.OutcomeRetry, engine.ClassStatus) },
			badge: "Closed, retrying", text: []string{"Attempt 2 of 4 follows in 59 min; the last one ended in 503."}, closed: true, hasten: true,
		},
		"delay": {change: slow, badge: "Closed, its delay runs", text: []string{"Attempt 1 of 4 follows in 59 min."}, closed: true, hasten: true},
		"delivered": {
			then:  func(b *labBundle, d engine.Delivery) { b.record(d, engine.OutcomeDelivered, "") },
			badge: "Opened after ", text: []string{"2 deliveries waited behind it.", "1 attempt, 200"},
		},
		"failed": {
			then:  func(b *labBundle, d engine.Delivery) { b.record(d, engine.OutcomeGiveUp, engine.ClassStatus) },
			badge: "Opened by the error action Log", text: []string{"1 attempt, 503"},
		},
		"notified": {
			change: func(w *engine.Webhook) { w.ErrorAction = engine.ErrorActionNotifyUser },
			then:   func(b *labBundle, d engine.Delivery) { b.record(d, engine.OutcomeGiveUp, engine.ClassTimeout) },
			badge:  "Opened by the error action Send Notification to User", text: []string{"1 attempt, timeout"},
		},
		"cancelled": {
			then: func(b *labBundle, d engine.Delivery) {
				b.step(d, engine.Change{Step: engine.StepCancel, Reason: "Not needed."})
			},
			badge: "Opened, its delivery was cancelled", text: []string{"Not needed."},
		},
		"disabled": {change: slow, then: func(b *labBundle, _ engine.Delivery) {
			if _, err := b.store.SetWebhookEnabled(b.t.Context(), engine.System, b.gate.ID, false); err != nil {
				b.t.Fatal(err)
			}
		}, badge: "Opened, its delivery was cancelled", text: []string{"The webhook was disabled."}},
		"by hand": {then: func(b *labBundle, d engine.Delivery) {
			if _, err := b.engine.OpenGate(b.t.Context(), engine.Actor{Name: "Dana Ortiz"}, d.ID, "The LMS is down <b>"); err != nil {
				b.t.Fatal(err)
			}
		}, badge: "Opened by Dana Ortiz", text: []string{"Reason: The LMS is down <b>", "The delivery itself: Sending"}},
		"late": {then: opensAll, badge: "Opened at its latest time", text: []string{"The delivery itself: Sending"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := test.change
			if change == nil {
				change = func(*engine.Webhook) {}
			}
			b := setupLab(t, engine.RoleDeveloper, change)
			d := b.closeGate()
			if test.then != nil {
				test.then(b, d)
			}
			a := b.get(views.LabInstanceURL(subject))
			if a.status != http.StatusOK {
				t.Fatalf("status %d", a.status)
			}
			box := a.doc.Find("#gate-" + d.ID.String())
			if got := line(box.Find(".badge").First()); !strings.HasPrefix(got, test.badge) {
				t.Errorf("the badge says %q, want %q", got, test.badge)
			}
			for _, want := range test.text {
				if got := line(box); !strings.Contains(got, want) {
					t.Errorf("the gate lacks %q: %s", want, got)
				}
			}
			if box.HasClass("closed") != test.closed || strings.Contains(line(box), "opens at the latest at") != test.closed {
				t.Errorf("the gate looks closed: %v", box.HasClass("closed"))
			}
			if got := box.Find("a.danger").AttrOr("href", "") == views.GateOpenURL(subject, d.ID); got != test.closed {
				t.Errorf("Open gate is offered: %v", got)
			}
			if got := box.Find("form").AttrOr("action", "") == views.GateHastenURL(subject, d.ID); got != test.hasten {
				t.Errorf("Retry now is offered: %v", got)
			}
			// What comes next in the lane is blocking too: once this gate is open, the next one is closed.
			if got := a.doc.Find(".gate").Length(); got == 1 != test.closed {
				t.Errorf("the page shows %d gates", got)
			}
			detail := b.get(views.DeliveryURL(d.ID))
			if got := detail.text("main .side"); !strings.Contains(got, test.badge) || !strings.Contains(got, "Latest opening time:") {
				t.Errorf("the delivery's facts are %q", got)
			}
		})
	}
}

func TestHeldDeliverySaysByWhat(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer)
	d := b.addLabEvent(engine.LabScored, b.gate, b.after)
	a := b.get(views.DeliveryURL(d[1].ID))
	if got := a.text(".lead"); !strings.HasPrefix(got, "Held by the gate of LMS – lab scored since ") || !strings.Contains(got, "at the latest until ") {
		t.Errorf("the delivery says %q", got)
	}
	if got := a.doc.Find(".lead a").AttrOr("href", ""); got != views.GateURL(subject, d[0].ID) {
		t.Errorf("the link leads to %q", got)
	}
	for _, path := range []string{views.DeliveryURL(d[1].ID), views.DeliveriesURL(), views.EventsURL(), views.EventURL(d[1].EventID), views.LabInstancesURL()} {
		if b.get(path).doc.Find("main a[href='"+views.LabInstanceURL(subject)+"']").Length() == 0 {
			t.Errorf("%s does not link to the lab instance", path)
		}
	}
}

func TestOpenGateByHand(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleDeveloper)
	d := b.closeGate()
	open := views.GateOpenURL(subject, d.ID)
	a := b.get(open)
	if got := a.text("main"); !strings.Contains(got, `2 deliveries are let go at once. The last of them, "Archive", is blocking and closes the next gate. 1 delivery stays held behind that.`) {
		t.Errorf("the page says %s", got)
	}
	for _, reason := range []string{"", "   ", strings.Repeat("x", engine.MaxReason+1), "a\x01b"} {
		a := b.post(open, url.Values{"reason": {reason}})
		if a.status != http.StatusUnprocessableEntity || len(summary(a)) != 1 || summary(a)["reason"] == "" {
			t.Fatalf("%.20q: status %d, problems %v", reason, a.status, summary(a))
		}
		if got := a.doc.Find("#reason").Text(); strings.TrimSpace(got) != strings.TrimSpace(reason) {
			t.Errorf("the reason came back as %.20q", got)
		}
		if !strings.HasPrefix(a.text("title"), "Error: ") {
			t.Errorf("title %q", a.text("title"))
		}
	}
	a = b.post(open, url.Values{"reason": {"The LMS is down\r\nuntil noon"}})
	if a.status != http.StatusSeeOther || a.header.Get("Location") != views.LabInstanceURL(subject) {
		t.Fatalf("status %d, led to %s", a.status, a.header.Get("Location"))
	}
	page := b.get(views.LabInstanceURL(subject))
	if got := page.text(".flash"); got != "The gate of LMS – lab scored was opened. 2 deliveries were let go." {
		t.Errorf("flash %q", got)
	}
	gate, err := b.store.Gate(t.Context(), d.ID)
	if err != nil || gate.Reason != "The LMS is down\nuntil noon" || gate.OpenedBy != "Person developer" {
		t.Errorf("the gate is %+v, %v", gate, err)
	}
	for _, ask := range []func() answer{
		func() answer { return b.get(open) },
		func() answer { return b.post(open, url.Values{"reason": {"Again"}}) },
		func() answer { return b.post(views.GateHastenURL(subject, d.ID), nil) },
	} {
		if a := ask(); a.status != http.StatusSeeOther {
			t.Errorf("an open gate: status %d", a.status)
		}
		if got := b.get(views.LabInstanceURL(subject)).text(".flash"); got != "Nothing was changed: the gate opened meanwhile." {
			t.Errorf("an open gate: flash %q", got)
		}
	}
}

func TestGatesThatAreNot(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleDeveloper)
	d := b.addLabEvent(engine.LabScored, b.gate, b.after)
	for _, path := range []string{
		views.GateOpenURL("4712", d[0].ID), views.GateOpenURL(subject, d[1].ID), views.GateOpenURL(subject, 1), "/lab-instances/4711/gates/x/open",
	} {
		if a := b.get(path); a.status != http.StatusNotFound {
			t.Errorf("GET %s: status %d", path, a.status)
		}
		if a := b.post(path, url.Values{"reason": {"Why not"}}); a.status != http.StatusNotFound {
			t.Errorf("POST %s: status %d", path, a.status)
		}
	}
}

func TestHastenGate(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleDeveloper)
	d := b.closeGate()
	b.post(views.GateHastenURL(subject, d.ID), nil)
	if got := b.get(views.LabInstanceURL(subject)).text(".flash"); got != "Nothing was changed: the delivery went on meanwhile." {
		t.Errorf("while it is being sent: %q", got)
	}
	b.record(d, engine.OutcomeRetry, engine.ClassStatus)
	a := b.post(views.GateHastenURL(subject, d.ID), nil)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != views.LabInstanceURL(subject) {
		t.Fatalf("status %d, led to %s", a.status, a.header.Get("Location"))
	}
	if got := b.get(views.LabInstanceURL(subject)).text(".flash"); got != "The next attempt is made now." {
		t.Errorf("flash %q", got)
	}
}

func TestViewersOpenNoGates(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer, slow)
	d := b.closeGate()
	a := b.get(views.LabInstanceURL(subject))
	if a.doc.Find("main form, main a.button").Length() != 0 || !strings.Contains(a.text("main"), "You can view this but not open gates.") {
		t.Error("a viewer sees controls")
	}
	for _, path := range []string{views.GateOpenURL(subject, d.ID), views.GateHastenURL(subject, d.ID), views.WebhookMoveURL(b.gate.ID)} {
		if a := b.post(path, url.Values{"reason": {"Because"}, "to": {"up"}}); a.status != http.StatusForbidden {
			t.Errorf("POST %s: status %d", path, a.status)
		}
	}
	if a := b.get(views.GateOpenURL(subject, d.ID)); a.status != http.StatusForbidden {
		t.Errorf("GET: status %d", a.status)
	}
	if b.get(views.ConsumerURL(b.gate.ConsumerID)).doc.Find("form[action$='/move']").Length() != 0 {
		t.Error("a viewer sees Up and Down")
	}
}

func TestAdminCountsClosedGates(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer)
	gates := func() string {
		return line(b.get("/admin").doc.Find(".stat:has(a[href='" + views.LabInstancesURL("gated", "1") + "'])"))
	}
	if got := gates(); got != "Closed gates 0" {
		t.Errorf("without gates: %q", got)
	}
	b.closeGate()
	if got := gates(); got != "Closed gates 1" {
		t.Errorf("with a gate: %q", got)
	}
	if a := b.get("/admin"); strings.Contains(a.text("main"), "A gate has been closed") || a.doc.Find(".tile a[href='/lab-instances']").Length() != 1 {
		t.Error("a gate that has just closed calls for attention, or there is no tile")
	}
}
