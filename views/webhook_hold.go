package views

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"labhook/engine"
)

// longHold is how long a webhook may hold a lab before its form warns.
const longHold = 5 * time.Minute

// HoldPreview is what Blocking would mean for a webhook as its form has it.
type HoldPreview struct {
	Blocking bool
	Longest  time.Duration
	Holds    bool // one of the chosen events at least holds a lab
	// Outside are the names of chosen events that are about no lab instance, System those of chosen system events.
	Outside, System []string
	All             bool // all events are chosen
}

// NewHoldPreview asks the engine itself how long the webhook may hold a lab.
func NewHoldPreview(w *engine.Webhook) HoldPreview {
	h := HoldPreview{Blocking: w.Blocking, Longest: w.LongestHold(), All: slices.Contains(w.Events, engine.AllEvents)}
	for _, code := range w.Events {
		switch kind, _ := engine.Catalog.Find(code); kind.Group {
		case engine.GroupOutsideLifeCycle:
			h.Outside = append(h.Outside, kind.Label)
		case engine.GroupSystem:
			h.System = append(h.System, kind.Label)
		}
	}
	h.Holds = h.All || len(w.Events) == 0 || len(w.Events) > len(h.Outside)+len(h.System)
	return h
}

// shown reports whether there is a hold to speak of.
func (h HoldPreview) shown() bool { return h.Blocking && h.Holds }

// long reports whether the hold deserves a warning.
func (h HoldPreview) long() bool { return h.Longest > longHold }

// sentence says how long others wait: "Later events … wait up to 200 s (3 min 20 s)."
func (h HoldPreview) sentence() string {
	longest := fmt.Sprintf("%s s", Number(int64(h.Longest/time.Second)))
	if h.Longest > time.Minute {
		longest += " (" + Duration(h.Longest) + ")"
	}
	return "Later events of the lab, and later webhooks of the same event, wait up to " + longest + "."
}

// notes say for which of the chosen events Blocking means less.
func (h HoldPreview) notes() []string {
	var notes []string
	if len(h.Outside) > 0 {
		notes = append(notes, strings.Join(h.Outside, " and ")+": there is no lab instance to hold. "+
			"Only a sender that waits for the outcome is concerned, and later events with the same subject.")
	}
	if h.All {
		notes = append(notes, "Events that are about no lab instance hold only later events with the same subject, and a sender that waits for the outcome.")
	}
	if len(h.System) > 0 {
		notes = append(notes, strings.Join(h.System, " and ")+": system events never hold anything.")
	}
	return notes
}
