package engine

import "time"

// Match returns the webhooks that an event concerns, in the order in which they are sent: by consumer, and within
// one consumer in the order the administrator gave. It is pure.
func (d *Directory) Match(e *Event, now time.Time) []*Webhook {
	if e.ConsumerID != 0 {
		l := d.consumers[e.ConsumerID]
		if l == nil || l.consumer.State(now) != ConsumerActive {
			return nil
		}
		var found []*Webhook
		for _, w := range l.webhooks {
			if w.Enabled && w.ListensTo(e.Type) {
				found = append(found, w)
			}
		}
		return found
	}
	d.once.Do(d.index)
	list, ok := d.byType[e.Type]
	if !ok && !Catalog.System(e.Type) {
		list = d.toAll
	}
	found := make([]*Webhook, 0, len(list))
	for _, w := range list {
		if d.consumers[w.ConsumerID].consumer.State(now) == ConsumerActive {
			found = append(found, w)
		}
	}
	return found
}

// NotSent is a webhook that an event was not sent to, with the reason in words.
type NotSent struct {
	Webhook *Webhook
	Reason  string
}

// WhyNot explains for each webhook of the directory that could have been concerned why Match leaves it out now. It
// looks at the configuration of today, which may differ from that of the moment when the event was accepted.
func (d *Directory) WhyNot(e *Event, now time.Time) []NotSent {
	matched := map[*Webhook]bool{}
	for _, w := range d.Match(e, now) {
		matched[w] = true
	}
	var list []NotSent
	for _, c := range d.Consumers() {
		for _, w := range d.Webhooks(c.ID) {
			if matched[w] {
				continue
			}
			reason := d.Unusable(w.ID, now)
			switch {
			case !w.ListensTo(e.Type):
				reason = "It does not listen to this event."
			case e.ConsumerID != 0 && e.ConsumerID != c.ID:
				reason = "The event was sent to another API consumer."
			}
			list = append(list, NotSent{Webhook: w, Reason: reason})
		}
	}
	return list
}
