package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// Five things that people come for, each done with the mouse, with the keyboard alone and without the pages' scripts.
func TestTasks(t *testing.T) {
	t.Parallel()
	for _, way := range hands {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			fresh := newSite(t)
			p := newPerson(t, fresh, way.hand, way.noScript)
			p.part("set up a webhook", func(t *testing.T) { setUpWebhook(t, p, fresh) })
			busy := newBusySite(t)
			p.site = busy.site
			p.signsIn()
			p.part("find out why last night's Scored did not arrive", func(t *testing.T) { findOutWhy(t, p, busy) })
			p.part("recover an outage", func(t *testing.T) { recoverOutage(t, p, busy) })
			p.part("open the gate of a lab that is stuck", func(t *testing.T) { openGate(t, p, busy) })
			p.part("rotate a signing secret", func(t *testing.T) { rotateSecret(t, p, busy) })
		})
	}
}

// setUpWebhook goes from the link of the first run to an example that arrived.
func setUpWebhook(t *testing.T, p *person, s *site) {
	receiver := enginetest.NewReceiver(t, "200")
	p.open(s.setup)
	p.fill("Your name", "Dana Ortiz")
	p.fill("User name or e-mail address", login)
	p.fill("Password", password)
	p.press("Create admin")
	p.press("Create an API consumer")
	p.fill("Name", "Contoso LMS")
	p.press("OK")
	p.sees("API consumer Contoso LMS was created.")
	p.press("+ Add Webhook")
	p.fill("Name", "LMS – lab scored")
	p.tick("Scored")
	p.fill("URL", receiver.URL+"/hooks/lab")
	p.press("OK")
	p.sees("Webhook LMS – lab scored was added. Send an example to check it.")
	p.press("Send example")
	p.sees("Delivered", "200")
	if got := receiver.Wait(t, 1)[0]; got.Path != "/hooks/lab" || !strings.Contains(string(got.Body), "LabProfileId") {
		t.Errorf("arrived: %s %s", got.Path, got.Body)
	}
	if hooks := s.store.Directory().Webhooks(s.store.Directory().Consumers()[0].ID); len(hooks) != 1 || !slices.Equal(hooks[0].Events, []string{engine.LabScored}) {
		t.Errorf("stored: %+v", hooks)
	}
}

// stuckLab is the lab instance that the tasks are about.
const stuckLab = "998592321"

// outage is how many deliveries a receiver missed in two hours.
const outage = 13

// busySite is a server with a past: a delivery failed last night, and for two hours a receiver was out of order.
type busySite struct {
	*site
	consumer  engine.APIConsumer
	scored    engine.Webhook      // whose delivery failed last night
	failed    engine.DeliveryID   // that one
	saved     engine.Webhook      // whose receiver was out of order
	missed    []engine.DeliveryID // what it missed
	receivers map[string]*enginetest.Receiver
}

func newBusySite(t *testing.T) *busySite {
	t.Helper()
	b := &busySite{receivers: map[string]*enginetest.Receiver{
		"scored": enginetest.NewReceiver(t, "200"), "saved": enginetest.NewReceiver(t, "200"),
	}}
	b.site = newSite(t, func(s *site) {
		s.addUser(t)
		b.consumer = s.addConsumer(t, "Contoso LMS")
		b.scored = s.addWebhook(t, b.consumer.ID, func(w *engine.Webhook) { w.Name, w.URL = "LMS – lab scored", b.receivers["scored"].URL })
		b.saved = s.addWebhook(t, b.consumer.ID, func(w *engine.Webhook) {
			w.Name, w.URL, w.Events = "Archive of saved labs", b.receivers["saved"].URL, []string{engine.LabSaved}
		})
		b.pastOf(t, s)
	})
	return b
}

// pastOf stores what happened: last night all was well but for one delivery, and nothing got through in two hours of
// today.
func (b *busySite) pastOf(t *testing.T, s *site) {
	t.Helper()
	night := story{t: t, s: s, start: time.Now().Truncate(24 * time.Hour).Add(-2 * time.Hour), says: "Down for maintenance until six"}
	for i := range 5 {
		after, lab, kind, status := time.Duration(i)*time.Minute, int64(998592319+i), engine.OutcomeDelivered, http.StatusOK
		if i == 2 {
			kind, status = engine.OutcomeGiveUp, http.StatusServiceUnavailable
		}
		d := night.post(after, lab, engine.LabScored)[0]
		night.answer(after, d, kind, status, 0)
		if i == 2 {
			b.failed = d.ID
		}
	}
	today := story{t: t, s: s, start: time.Now().Add(-2 * time.Hour).Truncate(time.Millisecond), says: "No upstream is there"}
	for i := range outage {
		after := time.Duration(i) * 9 * time.Minute
		d := today.post(after, int64(7000+i), engine.LabSaved)[0]
		today.answer(after, d, engine.OutcomeGiveUp, http.StatusBadGateway, 0)
		b.missed = append(b.missed, d.ID)
	}
}

// findOutWhy looks for the lab, reads what its receiver answered, and sends the delivery again.
func findOutWhy(t *testing.T, p *person, b *busySite) {
	p.open("/admin")
	p.finds(stuckLab)
	p.sees("Lab instance "+stuckLab, "Scored", "Failed")
	p.press("Delivery to LMS – lab scored")
	p.sees(b.failed.String(), "503", "Down for maintenance until six")
	p.press("Resend")
	p.sees("Delivered")
	got := b.receivers["scored"].Wait(t, 1)
	if len(got) != 1 || got[0].DeliveryID() != b.failed.String() || !strings.Contains(string(got[0].Body), stuckLab) {
		t.Errorf("arrived: %+v", got)
	}
}

// recoverOutage goes from what needs attention to all that was missed.
func recoverOutage(t *testing.T, p *person, b *busySite) {
	p.open("/admin")
	p.press("Archive of saved labs", "Failing:")
	p.sees("Failing")
	p.press("Recover failed…")
	p.sees("13 deliveries that were accepted")
	p.press("Recover 13 deliveries")
	p.sees("The recovery of Archive of saved labs began.", "13 deliveries made due again, the last one")
	var got []string
	for _, r := range b.receivers["saved"].Wait(t, outage) {
		got = append(got, r.DeliveryID())
	}
	var want []string
	for _, id := range b.missed {
		want = append(want, id.String())
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("arrived: %s\nwant %s", got, want)
	}
	p.press("Archive of saved labs", "Breadcrumb")
	p.sees("Working")
}

// stick closes the gate of a lab, and has another event wait behind it. The receiver returned gets that one.
func (b *busySite) stick(t *testing.T) *enginetest.Receiver {
	t.Helper()
	broken, reports := enginetest.NewReceiver(t, "503"), enginetest.NewReceiver(t, "200")
	b.addWebhook(t, b.consumer.ID, func(w *engine.Webhook) {
		w.Name, w.URL, w.Events, w.Blocking = "Provision seats", broken.URL, []string{engine.LabPreBuild}, true
		w.RetryPolicy, w.Retries = engine.StandardPolicy.Name, 7
	})
	b.addWebhook(t, b.consumer.ID, func(w *engine.Webhook) {
		w.Name, w.URL, w.Events = "Reports of labs", reports.URL, []string{engine.LabPostBuild}
	})
	b.postLab(t, engine.LabPreBuild)
	broken.Wait(t, 1)
	b.postLab(t, engine.LabPostBuild)
	return reports
}

// openGate sees what a lab waits for, and lets it go on.
func openGate(t *testing.T, p *person, b *busySite) {
	reports := b.stick(t)
	p.open("/admin")
	p.finds(stuckLab)
	p.sees("Gate: Provision seats", "Closed, retrying", "It holds 1 delivery", "Waiting for the gate Provision seats above.")
	if got := len(reports.Arrived()); got != 0 {
		t.Errorf("%d deliveries passed a closed gate", got)
	}
	p.press("Open gate…")
	p.sees("1 delivery is let go at once.")
	p.fill("Reason", "The seats were provisioned by hand")
	p.press("Open gate")
	p.sees("The gate of Provision seats was opened. 1 delivery was let go.", "Opened by Dana Ortiz", "The seats were provisioned by hand")
	reports.Wait(t, 1)
	p.seesNo("Waiting for the gate")
}

// verifier is a receiver that trusts what is signed by its secret and refuses everything else.
type verifier struct {
	mu      sync.Mutex
	secret  engine.Secret
	refused []string
	came    chan struct{} // one for each request
	paced   chan struct{} // the same, for who posts the next
}

func (v *verifier) trust(secret engine.Secret) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secret = secret
}

func (v *verifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	v.mu.Lock()
	if err == nil {
		err = engine.Verify(v.secret, "", r.Header, body, time.Now())
	}
	if err != nil {
		v.refused = append(v.refused, err.Error())
		w.WriteHeader(http.StatusUnauthorized)
	}
	v.mu.Unlock()
	v.came <- struct{}{}
	v.paced <- struct{}{}
}

// wait waits for so many further requests.
func (v *verifier) wait(n int) {
	for range n {
		<-v.came
	}
}

// rotateSecret gives a webhook another secret while events keep coming. Its receiver knows the old one at first, and
// the new one once somebody has told it.
func rotateSecret(t *testing.T, p *person, b *busySite) {
	v := &verifier{came: make(chan struct{}, 100_000), paced: make(chan struct{}, 100_000)}
	receiver := httptest.NewServer(v)
	t.Cleanup(receiver.Close)
	w := b.addWebhook(t, b.consumer.ID, func(w *engine.Webhook) { w.Name, w.URL, w.Events = "Signed", receiver.URL, []string{engine.LabResumed} })
	v.trust(w.Signing.Secret)
	posted, stop := b.keepPosting(t, v)
	v.wait(3)

	p.open("/admin")
	p.finds("Signed")
	p.press("Secret…", "About")
	p.press("Rotate secret")
	p.sees("This secret signs from now on. The secret before signs, too, until")
	secret := engine.Secret(p.reads("Signing secret"))
	if secret == w.Signing.Secret || !strings.HasPrefix(secret.Reveal(), "whsec_") {
		t.Errorf("the page shows %q as the new secret", secret.Reveal())
	}
	v.wait(10) // the receiver does not know yet
	v.trust(secret)
	v.wait(10)
	close(stop)
	ids := <-posted
	if err := b.engine.Stop(t.Context()); err != nil { // all outcomes are on disk then
		t.Fatal(err)
	}
	if len(v.refused) > 0 {
		t.Errorf("the receiver refused %d of %d deliveries: %s", len(v.refused), len(ids), v.refused[0])
	}
	for _, id := range ids {
		if d, err := b.store.Delivery(t.Context(), id); err != nil || d.State != engine.StateDelivered || d.Attempts != 1 {
			t.Errorf("delivery %s: %s after %d attempts, %v", id, d.State, d.Attempts, err)
		}
	}
}

// keepPosting posts one event after the other until stop is closed, and then tells all deliveries.
func (b *busySite) keepPosting(t *testing.T, v *verifier) (posted chan []engine.DeliveryID, stop chan struct{}) {
	t.Helper()
	posted, stop = make(chan []engine.DeliveryID, 1), make(chan struct{})
	go func() {
		var ids []engine.DeliveryID
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		defer func() { posted <- ids }()
		for {
			e := enginetest.Event(func(e *engine.Event) { e.Type = engine.LabResumed })
			accepted, err := b.engine.Accept(t.Context(), &e)
			if err != nil {
				return // the test is over
			}
			ids = append(ids, accepted.Deliveries[0].ID)
			<-v.paced
			select {
			case <-stop:
				return
			case <-pace.C:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return posted, stop
}
