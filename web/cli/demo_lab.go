package cli

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"labhook/engine"
)

// Numbers of the field State, which Studio does not publish but for 20: they are Labhook's own.
const (
	labOff         = 0
	labBuilding    = 10
	labStarting    = 15
	labRunning     = 20
	labSaving      = 30
	labSavedState  = 40
	labResuming    = 50
	labTearingDown = 90
	labScoring     = 150
	labScheduled   = 160
)

// Numbers of the field CompletionStatus, as Studio's API documents them.
const (
	labNotStarted = 2
	labIncomplete = 3
	labComplete   = 4
)

// labTime is how long a lab instance may be used.
const labTime = 6 * time.Hour

// demoUsers and demoProfiles people the demo.
var (
	demoUsers = []map[string]any{
		{"UserId": 5023932, "UserExternalId": "amira.haddad", "UserFirstName": "Amira", "UserLastName": "Haddad"},
		{"UserId": 5023977, "UserExternalId": "jonas.lindqvist", "UserFirstName": "Jonas", "UserLastName": "Lindqvist"},
		{"UserId": 5024010, "UserExternalId": "mei.tanaka", "UserFirstName": "Mei", "UserLastName": "Tanaka"},
		{"UserId": 5024033, "UserExternalId": "oluwaseun.adeyemi", "UserFirstName": "Oluwaseun", "UserLastName": "Adeyemi"},
		{"UserId": 5024068, "UserExternalId": "zoe.muller", "UserFirstName": "Zoë", "UserLastName": "Müller"},
		{"UserId": 5024101, "UserExternalId": "rafael.costa", "UserFirstName": "Rafael", "UserLastName": "Costa"},
	}
	demoProfiles = []map[string]any{
		{"LabProfileId": 19376, "LabProfileName": "Build a Three-Tier Network", "LabProfileNumber": "NET-301", "LabSeriesId": 10296, "LabSeriesName": "Networking"},
		{"LabProfileId": 19412, "LabProfileName": "Harden a Linux Server", "LabProfileNumber": "SEC-210", "LabSeriesId": 10301, "LabSeriesName": "Security Operations"},
		{"LabProfileId": 19488, "LabProfileName": "Query a Data Warehouse", "LabProfileNumber": "DAT-120", "LabSeriesId": 10317, "LabSeriesName": "Data & Analytics"},
		{"LabProfileId": 19530, "LabProfileName": "Deploy to Kubernetes", "LabProfileNumber": "CLD-405", "LabSeriesId": nil, "LabSeriesName": nil},
	}
	demoClass = map[string]any{"ClassId": 88214, "ClassExternalId": "autumn-2", "ClassName": "Autumn intake, group 2"}
)

// demoLab is one lab instance of the simulated platform.
type demoLab struct {
	id      int64
	details engine.LabDetails
	maximum int // possible score
}

// newDemoLab returns a lab instance with a user, a profile and, now and then, a class.
func newDemoLab(id int64) *demoLab {
	lab := &demoLab{id: id, maximum: 10}
	lab.details = engine.SampleLabDetails().
		With(demoUsers[rand.IntN(len(demoUsers))]).
		With(demoProfiles[rand.IntN(len(demoProfiles))]).
		With(map[string]any{
			"Id": id, "Start": nil, "End": nil, "Expires": nil, "LastActivity": nil, "LastSave": nil,
			"State": labScheduled, "CompletionStatus": labNotStarted,
			"ExamMaxPossibleScore": lab.maximum, "ExamPassingScore": 7,
		})
	if rand.IntN(3) == 0 {
		lab.details = lab.details.With(demoClass)
	}
	return lab
}

// happen changes the lab as the event does, and returns its details as the event's data. An event of the training platform
// has nothing to do with it: its data are the event type's sample.
func (l *demoLab) happen(eventType string, at time.Time) json.RawMessage {
	switch eventType {
	case engine.LabAssignmentCreated:
		return l.details.With(map[string]any{"Id": nil, "State": nil, "CompletionStatus": nil}).Body()
	case engine.LabProfileChanged:
		return l.details.With(map[string]any{
			"Id": nil, "State": nil, "CompletionStatus": nil,
			"UserId": nil, "UserExternalId": nil, "UserFirstName": nil, "UserLastName": nil,
			"ClassId": nil, "ClassExternalId": nil, "ClassName": nil,
		}).Body()
	}
	if kind, _ := engine.BuiltIn.Find(eventType); !kind.LabDetails {
		return kind.Sample()
	}
	l.details = l.details.With(l.changes(eventType, at.Unix()))
	return l.details.Body()
}

// changes returns the fields that an event of a running lab changes.
func (l *demoLab) changes(eventType string, now int64) map[string]any {
	switch eventType {
	case engine.LabPreBuild:
		return map[string]any{"State": labBuilding, "Start": now, "Expires": now + int64(labTime.Seconds())}
	case engine.LabPostBuild:
		return map[string]any{"State": labStarting}
	case engine.LabFirstDisplayable, engine.LabRunningPreinstanceAssigned:
		return map[string]any{"State": labRunning, "CompletionStatus": labIncomplete, "LastActivity": now}
	case engine.LabSaving:
		return map[string]any{"State": labSaving}
	case engine.LabSaved, engine.LabSavedPreinstanceAssigned:
		return map[string]any{"State": labSavedState, "LastSave": now}
	case engine.LabResuming, engine.LabDeferredResume:
		return map[string]any{"State": labResuming}
	case engine.LabResumed, engine.LabDeferredLaunchExisting:
		return map[string]any{"State": labRunning, "LastActivity": now}
	case engine.LabScoring:
		return map[string]any{"State": labScoring, "LastActivity": now}
	case engine.LabScored:
		score := rand.IntN(l.maximum + 1)
		return map[string]any{"State": labRunning, "ExamScore": score, "ExamPassed": score >= 7}
	case engine.LabTransferToUser:
		return demoUsers[rand.IntN(len(demoUsers))]
	case engine.LabTearingDown:
		return map[string]any{"State": labTearingDown, "CompletionStatus": labComplete}
	case engine.LabTornDown:
		return map[string]any{"State": labOff, "End": now}
	}
	return nil
}
