package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Match returns the webhooks that an event concerns, in the order in which they are sent: by consumer, and within
// one consumer in the order the administrator gave. Where the consumer asks for one send per URL, of several with the
// same URL only the first is among them. It is pure.
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
		if l.urls != nil {
			found = d.oncePerURL(found)
		}
		return found
	}
	d.once.Do(d.index)
	list, ok := d.byType[e.Type]
	if !ok && !BuiltIn.System(e.Type) {
		list = d.toAll
	}
	found, once := make([]*Webhook, 0, len(list)), false
	for _, w := range list {
		l := d.consumers[w.ConsumerID]
		if l.consumer.State(now) == ConsumerActive {
			found, once = append(found, w), once || l.urls != nil
		}
	}
	if once {
		found = d.oncePerURL(found)
	}
	return found
}

// oncePerURL leaves out webhooks with the URL of an earlier one of their consumer, where that asks for it.
func (d *Directory) oncePerURL(found []*Webhook) []*Webhook {
	type target struct {
		consumer ConsumerID
		url      string
	}
	sent := map[target]bool{}
	return slices.DeleteFunc(found, func(w *Webhook) bool {
		l := d.consumers[w.ConsumerID]
		if l.urls == nil {
			return false
		}
		to := target{w.ConsumerID, l.urls[w.ID]}
		again := sent[to]
		sent[to] = true
		return again
	})
}

// sameURL returns a webhook's URL, tokens and all, in a form in which two URLs are equal that lead to the same place
// whatever the tokens come to: scheme and host in lower case, no port that goes without saying, no empty path.
func sameURL(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw
	}
	host, path := rest, ""
	if at := strings.IndexAny(rest, "/?"); at >= 0 {
		host, path = rest[:at], rest[at:]
	}
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return scheme + "://" + host + path
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
			case reason == "":
				reason = d.sentInstead(w, matched)
			}
			list = append(list, NotSent{Webhook: w, Reason: reason})
		}
	}
	return list
}

// sentInstead names the webhook of the same consumer that is sent to the URL of w.
func (d *Directory) sentInstead(w *Webhook, matched map[*Webhook]bool) string {
	l := d.consumers[w.ConsumerID]
	for _, other := range l.webhooks {
		if matched[other] && l.urls[other.ID] == l.urls[w.ID] {
			return fmt.Sprintf("%q has the same URL and comes first: the API consumer asks for one send per URL.", other.Name)
		}
	}
	return ""
}
