package engine

import (
	"encoding/json"
	"slices"
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

// studioEventTypes returns Studio's 19 events: those of the life cycle in its order, then the two outside it.
func studioEventTypes() []EventType {
	types := []EventType{
		{
			Code: LabPreBuild, Label: "Pre-Build", Description: "The lab's parts and its cloud resources are about to be deployed.",
			Moment: "Before anything is built, such as to prepare an account that the build needs.",
		},
		{
			Code: LabPostBuild, Label: "Post-Build", Description: "The environment is built; virtual machines may still be starting.",
			Moment: "Before the machines are up, such as to fill what was built.",
		},
		{
			Code: LabFirstDisplayable, Label: "First Displayable", Description: "Everything runs, and the learner can begin.",
			Moment: "Before the learner sees later events take effect, such as to register the start.",
		},
		{
			Code: LabSaving, Label: "Saving", Description: "The lab is being saved.",
			Moment: "Before the state is frozen, such as to close what must not be open in a saved lab.",
		},
		{Code: LabSaved, Label: "Saved", Description: "The lab is saved and no longer active."},
		{
			Code: LabResuming, Label: "Resuming", Description: "The lab is coming back from its saved state.",
			Moment: "Before the learner is back, such as to open again what Saving closed.",
		},
		{Code: LabResumed, Label: "Resumed", Description: "The lab is back, and the learner can go on."},
		{
			Code: LabScoring, Label: "Scoring", Description: "Scoring has been asked for; the platform's own scoring has not begun.",
			Moment: "Before the platform scores, such as to bring in what the score depends on.",
		},
		{
			Code: LabScored, Label: "Scored", Description: "The platform has scored the lab; it is not yet torn down or running again.",
			Moment: "Before the lab is torn down or returns to running, such as to collect what the learner made.",
		},
		{
			Code: LabTearingDown, Label: "Tearing Down", Description: "The environment is being removed.",
			Moment: "Before the environment is gone, such as to save logs.",
		},
		{
			Code: LabTornDown, Label: "Torn Down", Description: "Nothing of the environment is left.",
			Advice: "The usual choice for passing on results: POST with lab details, not blocking, a delay of 3 s, a timeout of 30 s, 3 retries and the error action Log.",
		},
		{
			Code: LabTransferToUser, Label: "Transfer to User", Description: "The lab instance now belongs to another user.",
			Moment: "Before the new user goes on, such as to move rights over.",
		},
		{Code: LabDeferredLaunchNew, Label: "Deferred Launch (New)", Description: "A new lab was started from a deferred launch page."},
		{Code: LabDeferredLaunchExisting, Label: "Deferred Launch (Existing)", Description: "An existing lab was opened from a deferred launch page."},
		{Code: LabDeferredResume, Label: "Deferred Resume", Description: "A saved lab was resumed from a deferred launch page."},
		{
			Code: LabSavedPreinstanceAssigned, Label: "Saved Preinstance Assigned To User", Description: "A lab that was built and saved ahead of time went to a user.",
			Moment: "Before the user opens it, such as to bind accounts to the user.",
		},
		{
			Code: LabRunningPreinstanceAssigned, Label: "Running Preinstance Assigned To User", Description: "A lab that was already running went to a user.",
			Moment: "Before the user opens it, such as to bind accounts to the user.",
		},
	}
	for i := range types {
		types[i].Group, types[i].Place, types[i].Proposal = GroupLifeCycle, i+1, studioProposal
	}
	types = slices.Concat(types, []EventType{
		{
			Code: LabAssignmentCreated, Label: "Lab Assignment Created", Group: GroupOutsideLifeCycle, Proposal: noInstanceProposal,
			Description: "A user was given a lab profile to work on.", Example: noInstance(),
		},
		{
			Code: LabProfileChanged, Label: "Lab Profile Changed", Group: GroupOutsideLifeCycle, Proposal: noInstanceProposal,
			Description: "A lab profile's content or configuration was changed.", Example: noInstance(),
		},
	})
	for i := range types {
		types[i].Platform, types[i].LabDetails, types[i].SubjectField = PlatformStudio, true, "Id"
		types[i].Fields = labDetailsFields()
	}
	return types
}

const (
	studioProposal = "Studio gives its events labels but no codes: the code is Labhook's own. So are the numbers of " +
		"State other than 20, the number 0 of CompletionStatus, and that CustomData is a string."
	noInstanceProposal = studioProposal + " What Studio sends where there is no lab instance is not documented: the same 25 " +
		"fields, empty where they describe one, are Labhook's own."
)

// noInstance returns lab details without a lab instance: the fields that describe one are null.
func noInstance() json.RawMessage {
	lab := SampleLabDetails()
	for _, field := range []string{"Id", "Start", "Expires", "State", "CompletionStatus", "ExamMaxPossibleScore", "ExamPassingScore"} {
		lab.set(field, json.RawMessage("null"))
	}
	return lab.Body()
}

// labDetailsFields describes the lab details for the catalog. In Studio's own documents the first seven and some
// others are never null; Labhook takes any of them as null.
func labDetailsFields() []Field {
	types := map[labKind]string{labInteger: "integer", labNumber: "number", labText: "string", labBool: "boolean"}
	fields := make([]Field, len(labFields))
	for i, f := range labFields {
		fields[i] = Field{Name: f.name, Type: types[f.kind], Null: f.null, Meaning: f.meaning + "."}
	}
	return fields
}

// NumberedWord is a number of an enumeration with the word for it.
type NumberedWord struct {
	Number int64
	Word   string
}

// LabStates returns the numbers that State of the lab details may have, in order. Studio publishes the words; of the
// numbers only 20 is attested, the others are Labhook's own. Others may come.
func LabStates() []NumberedWord { return numbered(labStates) }

// CompletionStatuses returns the numbers that CompletionStatus of the lab details may have, in order. 0 is Labhook's
// own choice. Others may come.
func CompletionStatuses() []NumberedWord { return numbered(completionStatuses) }

func numbered(words map[int64]string) []NumberedWord {
	list := make([]NumberedWord, 0, len(words))
	for n, word := range words {
		list = append(list, NumberedWord{n, word})
	}
	slices.SortFunc(list, func(a, b NumberedWord) int { return int(a.Number - b.Number) })
	return list
}
