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
	Holds    bool // one of the chosen events at least is about something that it holds
	NoLab    bool // and none of these about a lab instance
	// Outside are the names of chosen events that are about nothing by themselves, System those of chosen system events.
	Outside, System []string
	All             bool // all events are chosen
}

// NewHoldPreview asks the engine itself how long the webhook may hold a lab.
func NewHoldPreview(catalog *engine.Catalog, w *engine.Webhook) HoldPreview {
	h := HoldPreview{Blocking: w.Blocking, Longest: w.LongestHold(), All: slices.Contains(w.Events, engine.AllEvents)}
	h.NoLab = len(w.Events) > 0 && !h.All
	for _, code := range w.Events {
		switch kind, ok := catalog.Find(code); {
		case !ok:
		case !kind.Sendable():
			h.System = append(h.System, kind.Label)
		case kind.Place == 0 && (kind.LabDetails || kind.SubjectField == ""):
			h.Outside = append(h.Outside, kind.Label)
		case kind.LabDetails:
			h.NoLab = false
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
	about := "of the lab"
	if h.NoLab {
		about = "about the same"
	}
	return "Later events " + about + ", and later webhooks of the same event, wait up to " + longest + "."
}

// notes say for which of the chosen events Blocking means less.
func (h HoldPreview) notes() []string {
	var notes []string
	if len(h.Outside) > 0 {
		notes = append(notes, someOf(h.Outside)+": there is no lab instance to hold. "+
			"Only a sender that waits for the outcome is concerned and, where a subject is named, later events with it.")
	}
	if h.All {
		notes = append(notes, "Events that are about no lab instance hold only later events with the same subject, and a sender that waits for the outcome.")
	}
	if len(h.System) > 0 {
		notes = append(notes, someOf(h.System)+": system events never hold anything.")
	}
	return notes
}

// someOf lists names, or how many they are where they are too many to read.
func someOf(names []string) string {
	const shown = 3
	switch n := len(names); {
	case n == 1:
		return names[0]
	case n > shown+1:
		return strings.Join(names[:shown], ", ") + " and " + Number(int64(n-shown)) + " others"
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
