package engine

import (
	"encoding/json"
	"slices"
	"strings"
)

// EventType is a kind of event.
type EventType struct {
	Code        string // what senders post and webhooks name
	Label       string // the platform's own name
	Group       string
	Description string
	// Place is the position in the lab instance life cycle, from 1; 0: outside it.
	Place int
	// LabDetails: the data are Studio's lab details, and the event is about a lab instance.
	LabDetails bool
}

// The groups of event types, in the order of lists.
const (
	GroupLifeCycle        = "Lab instance life cycle"
	GroupOutsideLifeCycle = "Outside the life cycle"
	GroupSystem           = "System"
)

// Codes of the event types of Skillable Studio. Studio publishes labels only: the codes are Labhook's own.
const (
	LabPreBuild                   = "lab.pre_build"
	LabPostBuild                  = "lab.post_build"
	LabFirstDisplayable           = "lab.first_displayable"
	LabSaving                     = "lab.saving"
	LabSaved                      = "lab.saved"
	LabResuming                   = "lab.resuming"
	LabResumed                    = "lab.resumed"
	LabScoring                    = "lab.scoring"
	LabScored                     = "lab.scored"
	LabTearingDown                = "lab.tearing_down"
	LabTornDown                   = "lab.torn_down"
	LabTransferToUser             = "lab.transfer_to_user"
	LabDeferredLaunchNew          = "lab.deferred_launch_new"
	LabDeferredLaunchExisting     = "lab.deferred_launch_existing"
	LabDeferredResume             = "lab.deferred_resume"
	LabAssignmentCreated          = "lab.assignment_created"
	LabProfileChanged             = "lab.profile_changed"
	LabSavedPreinstanceAssigned   = "lab.saved_preinstance_assigned"
	LabRunningPreinstanceAssigned = "lab.running_preinstance_assigned"
)

// EventTypes is a list of event types that can be searched by code or label.
type EventTypes []EventType

// Catalog is every event type, in the order of lists. Studio's 19 stand in the order of its documents.
var Catalog = EventTypes{
	inLifeCycle(1, LabPreBuild, "Pre-Build", "The lab's parts and its cloud resources are about to be deployed."),
	inLifeCycle(2, LabPostBuild, "Post-Build", "The environment is built; virtual machines may still be starting."),
	inLifeCycle(3, LabFirstDisplayable, "First Displayable", "Everything runs, and the learner can begin."),
	inLifeCycle(4, LabSaving, "Saving", "The lab is being saved."),
	inLifeCycle(5, LabSaved, "Saved", "The lab is saved and no longer active."),
	inLifeCycle(6, LabResuming, "Resuming", "The lab is coming back from its saved state."),
	inLifeCycle(7, LabResumed, "Resumed", "The lab is back, and the learner can go on."),
	inLifeCycle(8, LabScoring, "Scoring", "Scoring has been asked for; the platform's own scoring has not begun."),
	inLifeCycle(9, LabScored, "Scored", "The platform has scored the lab; it is not yet torn down or running again."),
	inLifeCycle(10, LabTearingDown, "Tearing Down", "The environment is being removed."),
	inLifeCycle(11, LabTornDown, "Torn Down", "Nothing of the environment is left."),
	inLifeCycle(12, LabTransferToUser, "Transfer to User", "The lab instance now belongs to another user."),
	inLifeCycle(13, LabDeferredLaunchNew, "Deferred Launch (New)", "A new lab was started from a deferred launch page."),
	inLifeCycle(14, LabDeferredLaunchExisting, "Deferred Launch (Existing)", "An existing lab was opened from a deferred launch page."),
	inLifeCycle(15, LabDeferredResume, "Deferred Resume", "A saved lab was resumed from a deferred launch page."),
	{Code: LabAssignmentCreated, Label: "Lab Assignment Created", Group: GroupOutsideLifeCycle, LabDetails: true, Description: "A user was given a lab profile to work on."},
	{Code: LabProfileChanged, Label: "Lab Profile Changed", Group: GroupOutsideLifeCycle, LabDetails: true, Description: "A lab profile's content or configuration was changed."},
	inLifeCycle(16, LabSavedPreinstanceAssigned, "Saved Preinstance Assigned To User", "A lab that was built and saved ahead of time went to a user."),
	inLifeCycle(17, LabRunningPreinstanceAssigned, "Running Preinstance Assigned To User", "A lab that was already running went to a user."),
	system(SystemLabNotification, "Lab Notification", "The lab's user is to be told something: a webhook failed whose error action is Send Notification to User."),
	system(SystemLabEndRequested, "Lab End Requested", "The lab is to be ended: a webhook failed whose error action is End Lab."),
	system(SystemDeliveryFailed, "Delivery Failed", "A delivery was given up."),
	system(SystemWebhookFailing, "Webhook Failing", "Several deliveries of a webhook in a row were given up."),
	system(SystemWebhookRecovered, "Webhook Recovered", "A failing webhook delivered again."),
	system(SystemWebhookDeactivated, "Webhook Deactivated", "A webhook was switched off."),
}

func inLifeCycle(place int, code, label, description string) EventType {
	return EventType{Code: code, Label: label, Group: GroupLifeCycle, Place: place, LabDetails: true, Description: description}
}

func system(code, label, description string) EventType {
	return EventType{Code: code, Label: label, Group: GroupSystem, Description: description}
}

// byName finds event types by code and by label in lower case.
var byName = func() map[string]EventType {
	m := make(map[string]EventType, 2*len(Catalog))
	for _, t := range Catalog {
		m[t.Code], m[strings.ToLower(t.Label)] = t, t
	}
	return m
}()

// Find returns the event type with that code, or with that label in any case.
func (EventTypes) Find(name string) (EventType, bool) {
	if t, ok := byName[name]; ok {
		return t, true
	}
	t, ok := byName[strings.ToLower(name)]
	return t, ok
}

// System reports whether the code is that of a system event.
func (EventTypes) System(code string) bool { return byName[code].Group == GroupSystem }

// Label returns the label of a code, or the code itself when the catalog does not know it.
func (EventTypes) Label(code string) string {
	if t, ok := byName[code]; ok {
		return t.Label
	}
	return code
}

// Groups returns the names of the groups in order.
func (list EventTypes) Groups() []string {
	var names []string
	for _, t := range list {
		if !slices.Contains(names, t.Group) {
			names = append(names, t.Group)
		}
	}
	return names
}

// InGroup returns the event types of one group in order.
func (list EventTypes) InGroup(group string) EventTypes {
	return slices.DeleteFunc(slices.Clone(list), func(t EventType) bool { return t.Group != group })
}

// Sample returns example data of the event type, one line of JSON.
func (t EventType) Sample() json.RawMessage {
	if t.Group == GroupSystem {
		return sampleSystemEvent(t.Code)
	}
	lab := SampleLabDetails()
	if t.Group == GroupOutsideLifeCycle {
		// No instance exists yet: the fields that describe one are empty. Studio does not document this body.
		for _, field := range []string{"Id", "Start", "Expires", "State", "CompletionStatus", "ExamMaxPossibleScore", "ExamPassingScore"} {
			lab.set(field, json.RawMessage("null"))
		}
	}
	return lab.Body()
}
