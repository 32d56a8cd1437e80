package views

import (
	"fmt"
	"time"

	"labhook/engine"
)

// The periods of the page that recovers what a webhook missed.
const (
	SinceHour        = "1h"
	SinceDay         = "24h"
	SinceWeek        = "7d"
	SinceDeactivated = "deactivated" // since the webhook was switched off
	SinceCustom      = "custom"      // since a time that was typed
)

// WebhookRecover is the page that sends again what a webhook's receiver missed.
type WebhookRecover struct {
	Page     Page
	Webhook  engine.Webhook
	Unusable string    // why nothing may be sent for it now; empty: it may
	Choice   string    // the period
	From     string    // the time that was typed, for SinceCustom
	Since    time.Time // what was counted; zero: nothing was
	Count    int
	More     bool              // and more than Count
	Latest   []engine.Recovery // newest first
}

// choices are the periods to choose from.
func (d WebhookRecover) choices() Field {
	f := Field{ID: "since", Label: "Since", Value: d.Choice, Problems: d.Page.Problems}
	if at := d.Webhook.DeactivatedAt; !at.IsZero() {
		f.Options = append(f.Options, Option{Value: SinceDeactivated, Label: "It was switched off (" + clock(d.Page.Now, at, d.Page.Zone) + "), with what waited then"})
	}
	f.Options = append(f.Options,
		Option{Value: SinceHour, Label: "The last hour"},
		Option{Value: SinceDay, Label: "The last 24 hours"},
		Option{Value: SinceWeek, Label: "The last 7 days"},
		Option{Value: SinceCustom, Label: "Another time"},
	)
	return f
}

func (d WebhookRecover) fromField() Field {
	return Field{ID: "from", Label: "Time", Type: "datetime-local", Value: d.From, Problems: d.Page.Problems, Hint: "In the zone " + d.Page.Zone.String() + "."}
}

// found says how many deliveries a recovery would send again.
func (d WebhookRecover) found() string {
	since := clock(d.Page.Now, d.Since, d.Page.Zone)
	if d.Count == 0 {
		return "Nothing that was accepted since " + since + " failed or was cancelled."
	}
	verb := "deliveries that were accepted since %s failed or were cancelled."
	if d.Count == 1 && !d.More {
		verb = "delivery that was accepted since %s failed or was cancelled."
	}
	return CappedNumber(d.Count, d.More) + " " + fmt.Sprintf(verb, since)
}

// button is what the button says that starts the recovery.
func (d WebhookRecover) button() string {
	what := CappedNumber(d.Count, d.More) + " deliveries"
	if d.Count == 1 && !d.More {
		what = "1 delivery"
	}
	if !d.Webhook.Enabled {
		return "Enable and recover " + what
	}
	return "Recover " + what
}

// running reports whether a recovery goes on.
func (d WebhookRecover) running() bool { return len(d.Latest) > 0 && d.Latest[0].Running() }

// possible reports whether a recovery could begin: a webhook that is only switched off is switched on for it.
func (d WebhookRecover) possible() bool {
	return d.Unusable == "" || d.Webhook.DeletedAt.IsZero() && !d.Webhook.Enabled
}

// recoveryWords say how far a recovery is.
func recoveryWords(p Page, r engine.Recovery) string {
	sent := Plural(r.Sent, "delivery", "deliveries") + " made due again"
	switch {
	case r.Running():
		return sent + " so far."
	case r.Stopped != "":
		return sent + ", then stopped: " + r.Stopped
	}
	return sent + ", the last one at " + clock(p.Now, r.FinishedAt, p.Zone) + "."
}
