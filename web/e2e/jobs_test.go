package e2e

import (
	"strings"
	"testing"
)

// job is one of the commonest jobs, from Site Administration on, with the number of buttons and links that it takes.
type job struct {
	name   string
	clicks int
	do     func(t *testing.T, p *person, b *busySite)
}

var jobs = []job{
	{"see a failing answer", 2, seeAnswer},
	{"resend", 3, resend},
	{"add a webhook", 4, addWebhook},
	{"send an example", 3, sendExample},
	{"recover after an outage", 3, recoverRest},
	{"why a lab is stuck", 0, whyStuck},
}

// seeAnswer reads what a receiver said: the attempt is open already.
func seeAnswer(_ *testing.T, p *person, b *busySite) {
	p.press("Failed 14") // the outage and last night's
	p.press(b.missed[outage-1].String())
	p.sees("Failed", "502", "No upstream is there")
}

func resend(t *testing.T, p *person, b *busySite) {
	seeAnswer(t, p, b)
	p.press("Resend")
	p.sees("Delivered")
	if got := b.receivers["saved"].Wait(t, 1)[0].DeliveryID(); got != b.missed[outage-1].String() {
		t.Errorf("delivery %s arrived", got)
	}
}

func addWebhook(t *testing.T, p *person, b *busySite) {
	p.press("API Consumers")
	p.press("Contoso LMS")
	p.press("+ Add Webhook")
	p.fill("Name", "Labs torn down")
	p.tick("Torn Down")
	p.fill("URL", b.receivers["scored"].URL)
	p.press("OK")
	p.sees("Webhook Labs torn down was added.")
	if got := len(b.store.Directory().Webhooks(b.consumer.ID)); got != 3 {
		t.Errorf("%d webhooks are stored", got)
	}
}

func sendExample(t *testing.T, p *person, b *busySite) {
	p.press("LMS – lab scored", "Recently changed webhooks")
	p.press("Testing")
	p.press("Send example")
	p.sees("Delivered", "200")
	if got := string(b.receivers["scored"].Wait(t, 1)[0].Body); !strings.Contains(got, "LabProfileId") {
		t.Errorf("arrived: %s", got)
	}
}

// recoverRest sends again what the outage left, but for the one that was sent again before.
func recoverRest(t *testing.T, p *person, b *busySite) {
	p.press("Archive of saved labs", "Failing:")
	p.press("Recover failed…")
	p.press("Recover 12 deliveries")
	p.sees("12 deliveries made due again, the last one")
	b.receivers["saved"].Wait(t, outage)
}

// whyStuck types the lab's number and reads.
func whyStuck(t *testing.T, p *person, b *busySite) {
	b.stick(t)
	p.finds(stuckLab)
	p.sees("Gate: Provision seats", "Closed, retrying", "It holds 1 delivery", "It opens at the latest at", "Waiting for the gate Provision seats above.")
}

// doJobs does all jobs, and calls after with each when it is done.
func (p *person) doJobs(b *busySite, after func(t *testing.T, j job)) {
	p.t.Helper()
	p.signsIn()
	for _, j := range jobs {
		p.part(j.name, func(t *testing.T) {
			p.open("/admin")
			p.pressed = 0
			j.do(t, p, b)
			after(t, j)
		})
	}
}

// No job takes more clicks than it has to.
func TestU8Clicks(t *testing.T) {
	t.Parallel()
	b := newBusySite(t)
	p := newPerson(t, b.site, mouse{}, false)
	p.doJobs(b, func(t *testing.T, j job) {
		if p.pressed > j.clicks {
			t.Errorf("it took %d clicks, want %d", p.pressed, j.clicks)
		}
		t.Logf("%d clicks", p.pressed)
	})
}

// The same jobs go without the pages' scripts, and nothing is shown that needs one.
func TestU10NoScript(t *testing.T) {
	t.Parallel()
	b := newBusySite(t)
	p := newPerson(t, b.site, mouse{}, true)
	p.doJobs(b, func(t *testing.T, j job) {
		if got := evaluate[int](p.tab, `[...document.querySelectorAll("[data-script]")].filter((e) => e.checkVisibility()).length`); got != 0 {
			t.Errorf("%d things are shown that need a script", got)
		}
		if p.pressed > j.clicks {
			t.Errorf("it took %d clicks, want %d", p.pressed, j.clicks)
		}
	})
	p.part("forms", func(t *testing.T) { completeForms(t, p, b) })
}
