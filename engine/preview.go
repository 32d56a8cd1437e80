package engine

import "time"

// Preview returns the request that the first attempt would send for an event, sensitive values masked. Nothing is
// stored or sent; only ids and times differ from those of a real delivery.
func (e *Engine) Preview(w *Webhook, ev *Event) (SentRequest, error) {
	r, err := Render(w, ev, Stamp{DeliveryID: NewID[DeliveryID](), Number: 1, At: time.Now(), UserAgent: e.cfg.UserAgent})
	if err != nil {
		return SentRequest{}, err
	}
	return r.Sent(), nil
}
