package engine

import "time"

// Preview returns the request that the first attempt would send for an event, sensitive values masked. Nothing is
// stored or sent; only ids, times and the signature differ from those of a real delivery. A webhook that has no secret yet
// is signed with one made for the occasion.
func (e *Engine) Preview(w *Webhook, ev *Event) (SentRequest, error) {
	stored := *w
	stored.Signing.Fill()
	r, err := Render(&stored, ev, Stamp{DeliveryID: NewID[DeliveryID](), Number: 1, At: time.Now(), UserAgent: e.userAgent()})
	if err != nil {
		return SentRequest{}, err
	}
	return r.Sent(), nil
}
