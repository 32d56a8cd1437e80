package views

import (
	"fmt"
	"slices"
	"strings"

	"labhook/engine"
)

// WebhookWarnings lists what may be meant in a webhook that is about to be saved, and often is not. others are the
// consumer's webhooks, itself among them.
func WebhookWarnings(catalog *engine.Catalog, consumer engine.APIConsumer, w *engine.Webhook, others []*engine.Webhook) []string {
	var list []string
	if unknown := w.UnknownTokens(); len(unknown) > 0 {
		list = append(list, "No event of this webhook can fill "+someOf(unknown)+": sent as it stands. See the list of tokens for their spelling.")
	}
	if scheme, _, _ := strings.Cut(w.URL, "://"); strings.EqualFold(scheme, "http") {
		list = append(list, "The URL starts with http://: whoever is on the way can read and change what is sent. Use https:// where the receiver can.")
	}
	for _, other := range others {
		if shared := sharedEvents(catalog, w, other); len(shared) > 0 {
			list = append(list, sameURLWarning(consumer, other, shared))
		}
	}
	if h := NewHoldPreview(catalog, w); h.shown() && h.long() {
		list = append(list, "Blocking may hold a lab for "+Duration(h.Longest)+". That is long for a learner who looks at it: think of fewer retries or a shorter timeout.")
	}
	return list
}

// sharedEvents are the labels of the events that both webhooks send to the same URL.
func sharedEvents(catalog *engine.Catalog, w, other *engine.Webhook) []string {
	if other.ID == w.ID || other.URL != w.URL { // none is stored without a URL
		return nil
	}
	if slices.Contains(w.Events, engine.AllEvents) && slices.Contains(other.Events, engine.AllEvents) {
		return []string{"all events"}
	}
	var labels []string
	for _, t := range catalog.All() {
		if w.ListensTo(t.Code) && other.ListensTo(t.Code) {
			labels = append(labels, t.Label)
		}
	}
	return labels
}

func sameURLWarning(consumer engine.APIConsumer, other *engine.Webhook, shared []string) string {
	text := fmt.Sprintf("The webhook %s sends %s to the same URL.", other.Name, someOf(shared))
	if consumer.OneSendPerURL {
		return text + " Of the two, the first in order sends: " + consumer.Name + " has one send per URL."
	}
	return text + " The receiver gets each of them twice."
}
