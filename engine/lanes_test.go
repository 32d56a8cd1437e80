package engine_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// postLab posts an event of a type about a lab instance.
func (b *bench) postLab(kind string, lab int64) engine.Accepted {
	b.t.Helper()
	acc, err := b.engine.Accept(b.t.Context(), &engine.Event{Type: kind, Data: engine.SampleLabDetails().With(map[string]any{"Id": lab}).Body()})
	if err != nil {
		b.t.Fatal(err)
	}
	return acc
}

func states(deliveries []engine.Delivery) []engine.DeliveryState {
	var list []engine.DeliveryState
	for _, d := range deliveries {
		list = append(list, d.State)
	}
	return list
}

// TestGateHoldsAndReleases walks a lane with two blocking webhooks: what is behind the first waits for it, what is
// behind the second for both; another lab instance waits for neither.
func TestGateHoldsAndReleases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.webhook(func(w *engine.Webhook) { w.Name = "before" })
		b.webhook(func(w *engine.Webhook) { w.Name, w.Blocking = "first gate", true })
		b.webhook(func(w *engine.Webhook) { w.Name, w.Delay = "between", 2*time.Second })
		b.webhook(func(w *engine.Webhook) { w.Name, w.Blocking = "second gate", true })
		b.webhook(func(w *engine.Webhook) { w.Name = "after" })
		open := make(chan struct{})
		b.wire.answer = func(_ context.Context, a arrival, _ int) (int, error) {
			if b.nameOf(a) == "first gate" {
				<-open
			}
			return http.StatusOK, nil
		}
		one := b.postLab(engine.LabScored, 1)
		want := []engine.DeliveryState{engine.StateSending, engine.StateSending, engine.StateHeld, engine.StateHeld, engine.StateHeld}
		if got := states(one.Deliveries); !slices.Equal(got, want) {
			t.Fatalf("states = %v, want %v", got, want)
		}
		later := b.postLab(engine.LabScored, 1)
		if got := states(later.Deliveries); got[0] != engine.StateHeld || got[4] != engine.StateHeld {
			t.Fatalf("the next event of the lane is %v, want all held", got)
		}
		settle(10 * time.Second)
		released := time.Now()
		close(open)
		settle(10 * time.Second)

		var names []string
		for _, a := range b.wire.seen() {
			names = append(names, b.nameOf(a))
			if b.nameOf(a) == "between" && a.at.Sub(released) < 2*time.Second {
				t.Errorf("a held delivery's delay started before it was released")
			}
		}
		if !slices.Equal(names[:2], []string{"before", "first gate"}) && !slices.Equal(names[:2], []string{"first gate", "before"}) {
			t.Errorf("order of requests = %v", names)
		}
		for _, acc := range []engine.Accepted{one, later} {
			for _, d := range acc.Deliveries {
				if got := b.delivery(d.ID); got.State != engine.StateDelivered {
					t.Errorf("delivery to %q is %s, want delivered", got.WebhookName, got.State)
				}
			}
		}
	})
}

// nameOf returns the name of the webhook that a request is for.
func (b *bench) nameOf(a arrival) string {
	id, err := engine.ParseID[engine.DeliveryID](a.id)
	if err != nil {
		b.t.Error(err)
	}
	d, err := b.store.Delivery(context.Background(), id)
	if err != nil {
		b.t.Error(err)
	}
	return d.WebhookName
}

// TestGateIsBounded keeps the webhook's only sender busy with other labs: the gate opens all the same.
func TestGateIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{SendersPerWebhook: 1})
		gate := b.webhook(func(w *engine.Webhook) { w.Blocking, w.Timeout, w.Retries = true, 10*time.Second, 1 })
		var mended atomic.Bool
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			if !mended.Load() {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return http.StatusOK, nil
		}
		for lab := range 3 {
			b.postLab(engine.LabScored, int64(lab+10))
		}
		synctest.Wait()
		first, second := b.postLab(engine.LabScored, 1), b.postLab(engine.LabScored, 1)
		latest := gate.LongestHold() // 10 + 1 + 10 s
		settle(latest - time.Second)
		if d := b.delivery(second.Deliveries[0].ID); d.State != engine.StateHeld {
			t.Fatalf("before the latest opening time the second delivery is %s, want held", d.State)
		}
		settle(2 * time.Second)
		if d := b.delivery(second.Deliveries[0].ID); d.State == engine.StateHeld {
			t.Errorf("after the latest opening time the second delivery is still held")
		}
		mended.Store(true)
		settle(time.Minute)
		for _, acc := range []engine.Accepted{first, second} {
			if d := b.delivery(acc.Deliveries[0].ID); d.State != engine.StateDelivered {
				t.Errorf("delivery is %s in the end, want delivered", d.State)
			}
		}
	})
}

func TestOpenGateByHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.webhook(func(w *engine.Webhook) { w.Blocking, w.Retries = true, 5 })
		b.wire.answer = func(_ context.Context, a arrival, nth int) (int, error) {
			if a.header.Get("Labhook-Attempt") != "1" || nth > 1 {
				return http.StatusOK, nil
			}
			return http.StatusServiceUnavailable, nil
		}
		first, second := b.postLab(engine.LabScored, 1), b.postLab(engine.LabScored, 1)
		settle(100 * time.Millisecond)
		dana := engine.Actor{Name: "Dana"}
		if _, err := b.engine.OpenGate(t.Context(), dana, first.Deliveries[0].ID, ""); err == nil {
			t.Error("a gate was opened without a reason")
		}
		if _, err := b.engine.OpenGate(t.Context(), dana, second.Deliveries[0].ID, "It waits."); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("opening a delivery without a gate = %v, want ErrNotFound", err)
		}
		g, err := b.engine.OpenGate(t.Context(), dana, first.Deliveries[0].ID, "The learner waits.")
		if err != nil || g.Released != 1 || g.OpenedBy != "Dana" {
			t.Fatalf("OpenGate = %+v, %v", g, err)
		}
		if _, err := b.engine.OpenGate(t.Context(), dana, first.Deliveries[0].ID, "Again."); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("opening it again = %v, want ErrConflict", err)
		}
		settle(time.Minute)
		for _, acc := range []engine.Accepted{first, second} {
			if d := b.delivery(acc.Deliveries[0].ID); d.State != engine.StateDelivered {
				t.Errorf("delivery is %s, want delivered", d.State)
			}
		}
	})
}

// TestErrorActions fails a webhook for good and looks at what follows, system events included.
func TestErrorActions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.webhook(func(w *engine.Webhook) {
			w.Name, w.Events, w.Blocking, w.Retries = "gate", []string{engine.LabPreBuild}, true, 0
			w.ErrorAction = engine.ErrorActionEndLab
		})
		b.webhook(func(w *engine.Webhook) { w.Name, w.Events = "all", []string{engine.AllEvents} })
		b.webhook(func(w *engine.Webhook) {
			w.Name, w.Events = "system", []string{engine.SystemLabEndRequested, engine.SystemDeliveryFailed}
		})
		b.wire.answer = func(_ context.Context, a arrival, _ int) (int, error) {
			if b.nameOf(a) == "gate" {
				time.Sleep(time.Second)
				return http.StatusInternalServerError, nil
			}
			return http.StatusOK, nil
		}
		pre := b.postLab(engine.LabPreBuild, 1)
		display, down := b.postLab(engine.LabFirstDisplayable, 1), b.postLab(engine.LabTornDown, 1)
		verdict := make(chan engine.Verdict, 1)
		go func() {
			v, err := b.engine.Wait(context.Background(), pre.Event.ID)
			if err != nil {
				t.Error(err)
			}
			verdict <- v
		}()
		settle(time.Minute)
		v := <-verdict
		if v.Action != engine.ActionEndLab || !v.Ended {
			t.Errorf("verdict = %+v, want end_lab", v)
		}
		if d := b.delivery(display.Deliveries[0].ID); d.State != engine.StateSkipped || d.Reason == "" {
			t.Errorf("First Displayable is %s because %q, want skipped with a reason", d.State, d.Reason)
		}
		if d := b.delivery(down.Deliveries[0].ID); d.State != engine.StateDelivered {
			t.Errorf("Torn Down is %s, want delivered", d.State)
		}
		var heard []string
		for _, a := range b.wire.seen() {
			if b.nameOf(a) == "system" {
				heard = append(heard, a.header.Get("Labhook-Event"))
			}
		}
		slices.Sort(heard)
		if want := []string{engine.SystemDeliveryFailed, engine.SystemLabEndRequested}; !slices.Equal(heard, want) {
			t.Errorf("system events heard = %v, want %v", heard, want)
		}
	})
}

// TestNotification hands the text of a webhook to the waiting sender, as it was when the delivery failed.
func TestNotification(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		w := b.webhook(func(w *engine.Webhook) {
			w.Blocking, w.Retries, w.ErrorAction = true, 0, engine.ErrorActionNotifyUser
			w.NotificationText = "@lab.User.FirstName, lab @lab.LabInstance.Id was not graded."
		})
		b.webhook(func(w *engine.Webhook) {
			w.Name, w.Events = "watch", []string{engine.SystemWebhookDeactivated, engine.SystemLabNotification}
		})
		b.wire.answer = func(_ context.Context, a arrival, _ int) (int, error) {
			if a.header.Get("Labhook-Event") == engine.LabScored {
				return http.StatusBadGateway, nil
			}
			return http.StatusOK, nil
		}
		acc := b.postLab(engine.LabScored, 7)
		settle(time.Second)
		w.NotificationText = "Another text."
		if _, err := b.store.UpdateWebhook(t.Context(), engine.System, w); err != nil {
			t.Fatal(err)
		}
		if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, w.ID, false); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		v, err := b.engine.Wait(t.Context(), acc.Event.ID)
		want := []string{"Example, lab 7 was not graded."}
		if err != nil || v.Action != engine.ActionNotifyUser || !slices.Equal(v.Notifications, want) {
			t.Errorf("verdict = %+v, %v; want notify_user with %q", v, err, want)
		}
		var heard []string
		for _, a := range b.wire.seen() {
			if kind := a.header.Get("Labhook-Event"); kind != engine.LabScored {
				heard = append(heard, kind)
			}
		}
		if want := []string{engine.SystemLabNotification, engine.SystemWebhookDeactivated}; !slices.Equal(heard, want) {
			t.Errorf("system events heard = %v, want %v", heard, want)
		}
	})
}

func TestFailingAndRecovered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.webhook(func(w *engine.Webhook) { w.Name, w.Retries = "shaky", 0 })
		b.webhook(func(w *engine.Webhook) {
			w.Name, w.Events = "watch", []string{engine.SystemWebhookFailing, engine.SystemWebhookRecovered}
		})
		status := http.StatusBadGateway
		b.wire.answer = func(_ context.Context, a arrival, _ int) (int, error) {
			if b.nameOf(a) == "shaky" {
				return status, nil
			}
			return http.StatusOK, nil
		}
		for range 5 {
			b.post("")
			settle(time.Second)
		}
		status = http.StatusOK
		b.post("")
		settle(time.Second)
		b.post("")
		settle(time.Second)
		var heard []string
		for _, a := range b.wire.seen() {
			if b.nameOf(a) == "watch" {
				heard = append(heard, a.header.Get("Labhook-Event"))
			}
		}
		if want := []string{engine.SystemWebhookFailing, engine.SystemWebhookRecovered}; !slices.Equal(heard, want) {
			t.Errorf("heard %v, want %v", heard, want)
		}
	})
}

// TestDisablingOpensGates leaves no lane behind whatever takes a webhook out of use.
func TestDisablingOpensGates(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*bench, engine.Webhook) error{
		"disable webhook": func(b *bench, w engine.Webhook) error {
			_, err := b.store.SetWebhookEnabled(b.t.Context(), engine.System, w.ID, false)
			return err
		},
		"delete webhook": func(b *bench, w engine.Webhook) error {
			return b.store.DeleteWebhook(b.t.Context(), engine.System, w.ID)
		},
		"cancel delivery": func(b *bench, w engine.Webhook) error {
			page, err := b.store.ListDeliveries(b.t.Context(), engine.DeliveryFilter{WebhookID: w.ID})
			if err != nil {
				return err
			}
			_, err = b.engine.Cancel(b.t.Context(), engine.System, page.Rows[0].ID, "Not wanted.")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, engine.Limits{})
				w := b.webhook(func(w *engine.Webhook) { w.Blocking, w.Delay = true, time.Hour })
				b.webhook(func(w *engine.Webhook) { w.Events = []string{engine.LabTornDown} })
				b.postLab(engine.LabScored, 1)
				down := b.postLab(engine.LabTornDown, 1)
				if d := b.delivery(down.Deliveries[0].ID); d.State != engine.StateHeld {
					t.Fatalf("delivery is %s, want held", d.State)
				}
				if err := end(b, w); err != nil {
					t.Fatal(err)
				}
				settle(time.Second)
				if d := b.delivery(down.Deliveries[0].ID); d.State != engine.StateDelivered {
					t.Errorf("delivery is %s, want delivered", d.State)
				}
			})
		})
	}
}

// TestExpiryOpensGates lets the consumer expire by time alone while a gate is closed for its delay.
func TestExpiryOpensGates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.webhook(func(w *engine.Webhook) { w.Blocking, w.Delay = true, time.Hour })
		c := b.consumer
		c.Expires = time.Now().Add(time.Minute)
		if _, err := b.store.UpdateConsumer(t.Context(), engine.System, c); err != nil {
			t.Fatal(err)
		}
		first, second := b.postLab(engine.LabScored, 1), b.postLab(engine.LabScored, 1)
		settle(59 * time.Second)
		if d := b.delivery(second.Deliveries[0].ID); d.State != engine.StateHeld {
			t.Fatalf("before the expiry the second delivery is %s, want held", d.State)
		}
		settle(2 * time.Second)
		for _, acc := range []engine.Accepted{first, second} {
			if d := b.delivery(acc.Deliveries[0].ID); d.State != engine.StateCancelled || !strings.Contains(d.Reason, "expired") {
				t.Errorf("after the expiry a delivery is %s because %q, want cancelled", d.State, d.Reason)
			}
		}
		if g, err := b.store.Gate(t.Context(), first.Deliveries[0].ID); err != nil || g.Closed() || g.Opening != engine.OpenedCancelled {
			t.Errorf("gate = %+v, %v; want opened", g, err)
		}
	})
}

// TestDisablingWhileSendingOpensGates does not let a lane wait for a receiver that hangs, once its webhook is off.
func TestDisablingWhileSendingOpensGates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		gate := b.webhook(func(w *engine.Webhook) { w.Blocking, w.Timeout = true, engine.MaxTimeout })
		b.webhook(func(w *engine.Webhook) { w.Name, w.Events = "after", []string{engine.LabTornDown} })
		b.wire.answer = func(ctx context.Context, a arrival, _ int) (int, error) {
			if a.header.Get("Labhook-Event") == engine.LabScored {
				time.Sleep(time.Minute)
			}
			return http.StatusOK, nil
		}
		scored, down := b.postLab(engine.LabScored, 1), b.postLab(engine.LabTornDown, 1)
		settle(time.Second)
		if _, err := b.store.SetWebhookEnabled(t.Context(), engine.System, gate.ID, false); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		if d := b.delivery(down.Deliveries[0].ID); d.State != engine.StateDelivered {
			t.Errorf("what the gate held is %s, want delivered", d.State)
		}
		settle(2 * time.Minute)
		if d := b.delivery(scored.Deliveries[0].ID); d.State != engine.StateDelivered {
			t.Errorf("the attempt that ran ended as %s, want delivered", d.State)
		}
	})
}
