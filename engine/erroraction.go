package engine

import (
	"fmt"
	"slices"
	"strings"
)

// ErrorAction is what happens when a delivery has failed for good (Skillable Studio: Error Action).
type ErrorAction string

// The error actions. Each is logged; the last two do something beside.
const (
	ErrorActionLog        ErrorAction = "log"         // written on the delivery and in the log
	ErrorActionNotifyUser ErrorAction = "notify_user" // Send Notification to User
	ErrorActionEndLab     ErrorAction = "end_lab"     // End Lab
)

// ErrorActions lists them in Studio's order, the mildest first.
var ErrorActions = []ErrorAction{ErrorActionLog, ErrorActionNotifyUser, ErrorActionEndLab}

// Label returns Studio's name of the action.
func (a ErrorAction) Label() string {
	switch a {
	case ErrorActionLog:
		return "Log"
	case ErrorActionNotifyUser:
		return "Send Notification to User"
	case ErrorActionEndLab:
		return "End Lab"
	}
	return string(a)
}

// endLabEvents are the events at which a lab can be ended without taking work from a learner: those before the
// learner works in it. Studio limits its life cycle actions alike; for webhooks the rule is Labhook's own.
var endLabEvents = []string{
	LabPreBuild, LabPostBuild, LabFirstDisplayable, LabDeferredLaunchNew, LabDeferredLaunchExisting, LabDeferredResume,
	LabSavedPreinstanceAssigned, LabRunningPreinstanceAssigned,
}

// EndLabOffered reports whether ErrorActionEndLab can be chosen for a webhook of these events without a
// confirmation that learners may lose work.
func EndLabOffered(events []string) bool {
	return len(events) > 0 && !slices.ContainsFunc(events, func(code string) bool { return !slices.Contains(endLabEvents, code) })
}

// checkEndLab adds a message when End Lab needs a confirmation that was not given.
func (w *Webhook) checkEndLab(bad *InvalidError, c *Catalog) {
	if w.ErrorAction != ErrorActionEndLab || w.EndLabConfirmed || EndLabOffered(w.Events) {
		return
	}
	var late []string
	for _, code := range w.Events {
		switch {
		case code == AllEvents:
			late = append(late, "all events")
		case !slices.Contains(endLabEvents, code):
			late = append(late, c.Label(code))
		}
	}
	bad.add("error_action", "End Lab at %s may cost learners their work: confirm that, or choose another action", strings.Join(late, ", "))
}

// keptAtEnd are the events of a lane that are still sent when the lab is ended: they tell of that very end.
var keptAtEnd = []string{LabTearingDown, LabTornDown}

// SkippedAtEnd reports whether a held delivery of that event type is skipped when an error action ends its lab.
func SkippedAtEnd(eventType string) bool { return !slices.Contains(keptAtEnd, eventType) }

// SkipReason says on a skipped delivery why it was not sent.
func SkipReason(c *Catalog, w *Webhook, e *Event) string {
	return fmt.Sprintf("The lab was ended: %q failed at %s and its error action is %s.", w.Name, c.Label(e.Type), ErrorActionEndLab.Label())
}

// StandardNotification is what the lab's user is told when a webhook has no text of its own.
const StandardNotification = "A service connected to this lab could not be reached. You can go on; if something is missing later, tell your instructor."

// Notification returns what the lab's user is told when the delivery of e to w fails: the webhook's text with its
// tokens replaced, and cut to MaxNotificationText characters.
func (w *Webhook) Notification(e *Event) string {
	if w.NotificationText == "" {
		return StandardNotification
	}
	return plain(ReplaceTokens(w.NotificationText, e), MaxNotificationText)
}
