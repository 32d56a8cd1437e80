package engine

import (
	"encoding/json"
	"slices"
	"strings"
)

// Codes of Instruqt's event types. Of some Instruqt publishes only what they tell: those codes are Labhook's own.
const (
	TrackStarted              = "track.started"
	TrackCompleted            = "track.completed"
	TrackCleanedUp            = "track.cleaned_up"
	TrackChallengeAttempted   = "track.challenge_attempted"
	TrackChallengeInitialized = "track.challenge_initialized"
	TrackChallengeCompleted   = "track.challenge_completed"
	TrackChallengeStarted     = "track.challenge_started"
	TrackChallengeCleanedUp   = "track.challenge_cleaned_up"
	TrackChallengeSkipped     = "track.challenge_skipped"
	TrackStopped              = "track.stopped"
	SandboxCreating           = "sandbox.creating"
	SandboxCreated            = "sandbox.created"
	SandboxFailed             = "sandbox.failed"
	SandboxCleanedUp          = "sandbox.cleaned_up"
	InviteClaimed             = "invite.claimed"
	ReviewCreated             = "review.created"
	ReviewUpdated             = "review.updated"
)

const (
	instruqtLabel     = "Instruqt names its events by their codes: the label is Labhook's own."
	instruqtOwnCode   = "Instruqt's documents say what the event tells, not its code: code and label are Labhook's own."
	instruqtTrackData = " The fields are those that Instruqt lists for its tracks; that the mode of play comes as both mode and is_developer_play is Labhook's own choice."
	instruqtSubject   = " So is it that a user's unique play of a track, participant_id, is what the event is about: to Instruqt it is what a lab instance is to Studio."
	instruqtSandbox   = " The fields are Labhook's own choice among those that receivers of Instruqt's events know."
	instruqtTeam      = " The names team_id and team_slug are Labhook's own."
)

// instruqtEventTypes returns Instruqt's 17 event types in the order of its documents.
func instruqtEventTypes() []EventType {
	types := slices.Concat(trackEventTypes(), sandboxEventTypes(), []EventType{
		{
			Code: InviteClaimed, Label: "Invite Claimed", Group: GroupInvite, Description: "A user claimed an invite.",
			Proposal: instruqtLabel + instruqtTeam, Example: inviteExample(), Fields: inviteFields,
		},
		{
			Code: ReviewCreated, Label: "Review Created", Group: GroupReview, Description: "A user wrote a review of a track.",
			Proposal: instruqtOwnCode, Example: reviewExample(ReviewCreated, 4), Fields: reviewFields,
		},
		{
			Code: ReviewUpdated, Label: "Review Updated", Group: GroupReview, Description: "A user changed a review of a track.",
			Proposal: instruqtOwnCode, Example: reviewExample(ReviewUpdated, 5), Fields: reviewFields,
		},
	})
	for i := range types {
		types[i].Platform = PlatformInstruqt
	}
	return types
}

func trackEventTypes() []EventType {
	types := []EventType{
		{Code: TrackStarted, Label: "Track Started", Description: "A user begins to play a track."},
		{Code: TrackCompleted, Label: "Track Completed", Description: "A user completed a track."},
		{Code: TrackCleanedUp, Label: "Track Cleaned Up", Proposal: instruqtOwnCode, Description: "The sandbox of a track was cleaned up."},
		{Code: TrackChallengeAttempted, Label: "Challenge Attempted", Description: "A user handed in an attempt at a challenge."},
		{Code: TrackChallengeInitialized, Label: "Challenge Initialized", Proposal: instruqtOwnCode, Description: "The setup script of a challenge has run."},
		{Code: TrackChallengeCompleted, Label: "Challenge Completed", Description: "A user completed a challenge."},
		{Code: TrackChallengeStarted, Label: "Challenge Started", Description: "A user begins a challenge."},
		{Code: TrackChallengeCleanedUp, Label: "Challenge Cleaned Up", Proposal: instruqtOwnCode, Description: "The cleanup script of a challenge has run."},
		{Code: TrackChallengeSkipped, Label: "Challenge Skipped", Description: "A user skipped to a challenge."},
		{Code: TrackStopped, Label: "Track Stopped", Proposal: instruqtOwnCode, Description: "A user or the platform stopped a track."},
	}
	for i := range types {
		t := &types[i]
		if t.Proposal == "" {
			t.Proposal = instruqtLabel
		}
		t.Group, t.SubjectField = GroupTrack, "participant_id"
		t.Fields = trackFields
		if strings.HasPrefix(t.Code, "track.challenge_") {
			t.Fields = slices.Concat(trackFields, challengeFields)
		}
		t.Example = trackExample(t.Code)
		t.Proposal += instruqtTrackData + instruqtSubject
		if t.Code == TrackChallengeAttempted {
			t.Fields = slices.Concat(t.Fields, []Field{{"completed", "boolean", false, "Whether the attempt solved the challenge."}})
			// As Instruqt published it: not with all the fields that its list has.
			t.Example = example(`{"challenge_id":"dxhrbpuvvia9","completed":true,"invite_id":null,"organization_id":"instruqt",` +
				`"participant_id":"tncb0s7cdkyu","timestamp":"2021-07-29T16:14:57.31297754Z","track_id":"rzwlxtp92ted",` +
				`"type":"track.challenge_attempted","user_id":"gOGhYjyoPJhINJFOugIgiL4pdzu2"}`)
		}
	}
	return types
}

func trackExample(code string) json.RawMessage {
	challenge := ""
	if strings.HasPrefix(code, "track.challenge_") {
		challenge = `,"challenge_id":"dxhrbpuvvia9","challenge_index":2,"total_challenges":5`
	}
	return example(`{"type":"` + code + `","track_id":"rzwlxtp92ted","track_slug":"example-track","organization_id":"instruqt",` +
		`"timestamp":"2021-07-29T16:14:57.31297754Z","participant_id":"tncb0s7cdkyu","invite_id":null,` +
		`"user_id":"gOGhYjyoPJhINJFOugIgiL4pdzu2","mode":"NORMAL","is_developer_play":false,` +
		`"custom_parameters":{"cohort":"autumn"}` + challenge + `}`)
}

func sandboxEventTypes() []EventType {
	types := []EventType{
		{Code: SandboxCreating, Label: "Sandbox Creating", Description: "The platform begins to create a sandbox."},
		{Code: SandboxCreated, Label: "Sandbox Created", Description: "The platform created a sandbox."},
		{Code: SandboxFailed, Label: "Sandbox Failed", Description: "The platform could not set up a sandbox."},
		{Code: SandboxCleanedUp, Label: "Sandbox Cleaned Up", Description: "The platform cleaned up a sandbox."},
	}
	for i := range types {
		t := &types[i]
		t.Group, t.SubjectField, t.Proposal = GroupSandbox, "participant_id", instruqtOwnCode+instruqtSandbox+instruqtSubject
		t.Fields = sandboxFields
		end := ""
		switch t.Code {
		case SandboxFailed:
			end = `,"reason":"The virtual machine did not start.","duration":184`
		case SandboxCleanedUp:
			end = `,"reason":"The time was over.","duration":3600`
		}
		if end != "" {
			t.Fields = slices.Concat(sandboxFields, sandboxEndFields)
		}
		t.Example = example(`{"type":"` + t.Code + `","track_id":"rzwlxtp92ted","track_slug":"example-track",` +
			`"organization_id":"instruqt","participant_id":"tncb0s7cdkyu","user_id":"gOGhYjyoPJhINJFOugIgiL4pdzu2",` +
			`"timestamp":"2021-07-29T16:14:57.31297754Z","pooled":false,"custom_parameters":{"cohort":"autumn"}` + end + `}`)
	}
	return types
}

func inviteExample() json.RawMessage {
	return example(`{"type":"invite.claimed","invite_id":"m4qzsjrwvwun","timestamp":"2021-07-29T16:14:57.31297754Z",` +
		`"user_id":"gOGhYjyoPJhINJFOugIgiL4pdzu2","team_id":"pcx1a0d7hbly","team_slug":"example-team",` +
		`"custom_parameters":{"cohort":"autumn"}}`)
}

func reviewExample(code string, score int) json.RawMessage {
	return example(`{"type":"` + code + `","review_id":"k8fyu2wnh3ob","track_id":"rzwlxtp92ted","organization_id":"instruqt",` +
		`"user_id":"gOGhYjyoPJhINJFOugIgiL4pdzu2","score":` + string(rune('0'+score)) + `,"content":"Clear steps, and it worked."}`)
}

var (
	trackFields = []Field{
		{"type", "string", false, "The event type."},
		{"track_id", "string", false, "The track."},
		{"track_slug", "string", false, "The track as its URL names it."},
		{"organization_id", "string", false, "The organization that the track belongs to."},
		{"timestamp", "string", false, "When it happened, in RFC 3339 with nanoseconds."},
		{"participant_id", "string", false, "The user's unique play of the track."},
		{"invite_id", "string", true, "The invite that gave access to the track."},
		{"user_id", "string", false, "The user."},
		{"mode", "string", false, "How the track is played: NORMAL or DEVELOPER."},
		{"is_developer_play", "boolean", false, "Whether a developer of the track plays it."},
		{"custom_parameters", "object", true, "Your own parameters of this play, text by text."},
	}
	challengeFields = []Field{
		{"challenge_id", "string", false, "The challenge."},
		{"challenge_index", "integer", false, "Its place in the track."},
		{"total_challenges", "integer", false, "How many challenges the track has."},
	}
	sandboxFields = []Field{
		{"type", "string", false, "The event type."},
		{"track_id", "string", false, "The track that the sandbox is for."},
		{"track_slug", "string", false, "The track as its URL names it."},
		{"organization_id", "string", false, "The organization that the track belongs to."},
		{"participant_id", "string", true, "The user's unique play of the track; a pooled sandbox may have none yet."},
		{"user_id", "string", true, "The user; a pooled sandbox may have none yet."},
		{"timestamp", "string", false, "When it happened, in RFC 3339 with nanoseconds."},
		{"pooled", "boolean", false, "Whether it was made ahead of time."},
		{"custom_parameters", "object", true, "Your own parameters of this play, text by text."},
	}
	sandboxEndFields = []Field{
		{"reason", "string", true, "Why."},
		{"duration", "integer", true, "How long the sandbox was there, in seconds."},
	}
	inviteFields = []Field{
		{"type", "string", false, "The event type."},
		{"invite_id", "string", false, "The invite."},
		{"timestamp", "string", false, "When it happened, in RFC 3339 with nanoseconds."},
		{"user_id", "string", false, "The user who claimed it."},
		{"team_id", "string", false, "The team that the invite belongs to."},
		{"team_slug", "string", false, "The team as its URL names it."},
		{"custom_parameters", "object", true, "Your own parameters of this invite, text by text."},
	}
	reviewFields = []Field{
		{"type", "string", false, "The event type."},
		{"review_id", "string", false, "The review."},
		{"track_id", "string", false, "The track that it is about."},
		{"organization_id", "string", false, "The organization that the track belongs to."},
		{"user_id", "string", false, "The user who wrote it."},
		{"score", "integer", false, "The score that the user gave."},
		{"content", "string", true, "What the user wrote; may be left out."},
	}
)
