package engine

import "time"

// MayResend returns a Conflict that says why a delivery cannot be sent again at that time, nil when it can; bodyGone is
// when retention deleted what it carried, zero: it is there. The store asks it within the change; screens ask it
// beforehand, so that they offer nothing that would be refused.
func (d *Directory) MayResend(delivery *Delivery, bodyGone, now time.Time) error {
	switch {
	case !bodyGone.IsZero():
		return BodyGone(bodyGone)
	case delivery.Test:
		return Conflict("A test is made once: test the webhook again.")
	case !delivery.State.Final():
		return Conflict("The delivery has not ended yet; only one that has can be sent again.")
	}
	if reason := d.Unusable(delivery.WebhookID, now); reason != "" {
		return Conflict(reason)
	}
	return nil
}
