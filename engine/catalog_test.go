package engine_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

func TestCatalogIsStudios(t *testing.T) {
	t.Parallel()
	want := []string{
		"1 lab.pre_build Pre-Build", "2 lab.post_build Post-Build", "3 lab.first_displayable First Displayable",
		"4 lab.saving Saving", "5 lab.saved Saved", "6 lab.resuming Resuming", "7 lab.resumed Resumed",
		"8 lab.scoring Scoring", "9 lab.scored Scored", "10 lab.tearing_down Tearing Down", "11 lab.torn_down Torn Down",
		"12 lab.transfer_to_user Transfer to User", "13 lab.deferred_launch_new Deferred Launch (New)",
		"14 lab.deferred_launch_existing Deferred Launch (Existing)", "15 lab.deferred_resume Deferred Resume",
		"16 lab.saved_preinstance_assigned Saved Preinstance Assigned To User",
		"17 lab.running_preinstance_assigned Running Preinstance Assigned To User",
		"0 lab.assignment_created Lab Assignment Created", "0 lab.profile_changed Lab Profile Changed",
	}
	var got []string
	for _, kind := range engine.BuiltIn.All() {
		if kind.Platform != engine.PlatformStudio {
			continue
		}
		got = append(got, strings.Join([]string{strconv.Itoa(kind.Place), kind.Code, kind.Label}, " "))
		if !kind.LabDetails || kind.SubjectField != "Id" || len(kind.Fields) != 25 || (kind.Place == 0) != (kind.Group == engine.GroupOutsideLifeCycle) {
			t.Errorf("%s: %+v", kind.Code, kind)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCatalogCodes: the other platforms' codes, in the order of their documents.
func TestCatalogCodes(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		engine.GroupTraining: "DOMAIN_ENROLLMENT COURSE_ENROLLMENT COURSE_COMPLETION LESSON_COMPLETION PATH_ENROLLMENT PATH_COMPLETION " +
			"QUIZ_COMPLETION PURCHASE_FULFILLMENT VILT_EVENT_REGISTRATION DASHBOARD_TASK_CREATED",
		engine.GroupCourseAndClass: "course_assignment.changed class.changed",
		engine.GroupTrack: "track.started track.completed track.cleaned_up track.challenge_attempted track.challenge_initialized " +
			"track.challenge_completed track.challenge_started track.challenge_cleaned_up track.challenge_skipped track.stopped",
		engine.GroupSandbox:    "sandbox.creating sandbox.created sandbox.failed sandbox.cleaned_up",
		engine.GroupInvite:     "invite.claimed",
		engine.GroupReview:     "review.created review.updated",
		engine.GroupLiveEvents: "courseComplete",
		engine.GroupSystem: "lab.notification lab.end_requested delivery.failed webhook.failing webhook.recovered webhook.deactivated " +
			"webhook.ping",
	}
	for group, codes := range want {
		if diff := cmp.Diff(strings.Fields(codes), codesOf(engine.BuiltIn.InGroup(group))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", group, diff)
		}
	}
}

func codesOf(types []engine.EventType) []string {
	var list []string
	for _, kind := range types {
		list = append(list, kind.Code)
	}
	return list
}

func TestCatalogGroups(t *testing.T) {
	t.Parallel()
	want := []string{
		engine.GroupLifeCycle, engine.GroupOutsideLifeCycle, engine.GroupTraining, engine.GroupCourseAndClass, engine.GroupTrack,
		engine.GroupSandbox, engine.GroupInvite, engine.GroupReview, engine.GroupLiveEvents, engine.GroupSystem,
	}
	if diff := cmp.Diff(want, engine.BuiltIn.Groups()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	all := 0
	for _, group := range want {
		all += len(engine.BuiltIn.InGroup(group))
	}
	if all != 56 || len(engine.BuiltIn.All()) != all {
		t.Errorf("%d event types in the groups, %d in all, want 56", all, len(engine.BuiltIn.All()))
	}
}

func TestCatalogFind(t *testing.T) {
	t.Parallel()
	for _, kind := range engine.BuiltIn.All() {
		for _, name := range []string{kind.Code, kind.Label, strings.ToUpper(kind.Label), strings.ToLower(kind.Label), strings.ToUpper(kind.Code)} {
			if got, ok := engine.BuiltIn.Find(name); !ok || got.Code != kind.Code {
				t.Errorf("%q: %q, %t", name, got.Code, ok)
			}
		}
		if got := engine.BuiltIn.Label(kind.Code); got != kind.Label {
			t.Errorf("label of %s: %q", kind.Code, got)
		}
		if got := engine.BuiltIn.System(kind.Code); got == kind.Sendable() {
			t.Errorf("%s: system %t", kind.Code, got)
		}
	}
	for _, name := range []string{"", "lab", "lab.", "scored.lab", " Scored", "*"} {
		if got, ok := engine.BuiltIn.Find(name); ok {
			t.Errorf("%q was found as %s", name, got.Code)
		}
	}
	if got := engine.BuiltIn.Label("lab.exploded"); got != "lab.exploded" {
		t.Errorf("label of an unknown code: %q", got)
	}
}

func TestCatalogTakesLabelsForCodes(t *testing.T) {
	t.Parallel()
	given := []string{"First Displayable", "lab.scored", "COURSE COMPLETION", "*", "lab.exploded"}
	want := []string{engine.LabFirstDisplayable, engine.LabScored, engine.SkilljarCourseCompletion, engine.AllEvents, "lab.exploded"}
	if diff := cmp.Diff(want, engine.BuiltIn.Codes(given)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if given[0] != "First Displayable" || engine.BuiltIn.Codes(nil) != nil {
		t.Error("what was given has changed")
	}
}

// TestCatalogWords: every type says what it is, and whatever no platform publishes is called Labhook's own.
func TestCatalogWords(t *testing.T) {
	t.Parallel()
	known := []string{engine.SkilljarCourseEnrollment}
	labels := map[string]bool{}
	for _, kind := range engine.BuiltIn.All() {
		for _, text := range []string{kind.Description, kind.Moment, kind.Advice, kind.Proposal} {
			if text != "" && !strings.HasSuffix(text, ".") {
				t.Errorf("%s: no sentence: %q", kind.Code, text)
			}
		}
		if kind.Description == "" || kind.Platform == "" || labels[strings.ToLower(kind.Label)] {
			t.Errorf("%s: %+v", kind.Code, kind)
		}
		labels[strings.ToLower(kind.Label)] = true
		attested := slices.Contains(known, kind.Code) || kind.Platform == engine.PlatformLabhook
		if attested != (kind.Proposal == "") || !attested && !strings.Contains(kind.Proposal, "Labhook's own") {
			t.Errorf("%s: proposal %q", kind.Code, kind.Proposal)
		}
	}
}

// TestCatalogFields: the field table and the example data are about the same fields, in the same order.
func TestCatalogFields(t *testing.T) {
	t.Parallel()
	for _, kind := range engine.BuiltIn.All() {
		described := map[string]engine.Field{}
		var names, inSample []string
		for _, f := range kind.Fields {
			described[f.Name] = f
			if !strings.Contains(f.Name, "{") {
				names = append(names, f.Name)
			}
			if f.Type == "" || !strings.HasSuffix(f.Meaning, ".") {
				t.Errorf("%s: field %+v", kind.Code, f)
			}
		}
		for _, f := range sampleFields(t, kind.Sample()) {
			name, known := f.Name, described[f.Name]
			for outer, field := range described { // whose fields are anybody's own
				if field.Type == "object" && strings.HasPrefix(name, outer+".") {
					name, known, f.Type = outer, field, "object"
				}
			}
			if n := len(inSample); n == 0 || inSample[n-1] != name {
				inSample = append(inSample, name)
			}
			if known.Type != f.Type && !(f.Null && known.Null) && !(kind.LabDetails && f.Null) && !(known.Type == "number" && f.Type == "integer") {
				t.Errorf("%s: %s is %+v in the sample and %+v in the table", kind.Code, name, f, known)
			}
		}
		if kind.Code == engine.TrackChallengeAttempted { // its sample is Instruqt's own: other fields were added since
			names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(inSample, name) })
			slices.Sort(names)
		}
		if diff := cmp.Diff(names, inSample); diff != "" {
			t.Errorf("%s: fields (-table +sample):\n%s", kind.Code, diff)
		}
	}
}

// sampleFields finds the fields of data, as it is done for the event types of administrators.
func sampleFields(t *testing.T, data json.RawMessage) []engine.Field {
	t.Helper()
	kind, err := engine.OwnEventType{Code: "any", Label: "Any", Sample: string(data)}.EventType(engine.BuiltIn)
	if err != nil {
		t.Fatal(err)
	}
	return kind.Fields
}

// TestCatalogSamples: they can be posted as they are, and are about what the group's events are about.
func TestCatalogSamples(t *testing.T) {
	t.Parallel()
	subjects := map[string]string{engine.GroupLifeCycle: "998592321", engine.GroupTrack: "tncb0s7cdkyu", engine.GroupSandbox: "tncb0s7cdkyu"}
	for _, kind := range engine.BuiltIn.All() {
		if !kind.Sendable() {
			continue
		}
		samples := []json.RawMessage{kind.Sample()}
		for _, status := range kind.Statuses {
			samples = append(samples, status.Data)
		}
		for _, data := range samples {
			e := engine.Event{Type: kind.Code, Data: data}
			if err := e.Prepare(engine.BuiltIn, noon); err != nil {
				t.Errorf("%s: %v", kind.Code, err)
			}
			if string(e.Data) != string(data) || e.Subject != subjects[kind.Group] {
				t.Errorf("%s: about %q, data %s", kind.Code, e.Subject, e.Data)
			}
		}
		if kind.LabDetails {
			if err := checkBody(kind.Sample()); err != nil {
				t.Errorf("%s: %v", kind.Code, err)
			}
		}
	}
}

func TestCatalogStatuses(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		engine.TMSCourseAssignmentChanged: `Started="Started" Completed="Completed" Expired="Expired" Cancelled="Cancelled"`,
		engine.TMSClassChanged:            `Requested=5 Tentative=4 Scheduled=0 Guaranteed to run=1 Cancelled=2 Denied=6 Rescheduled=3 Completed=7`,
	}
	for _, kind := range engine.BuiltIn.All() {
		var got []string
		for _, status := range kind.Statuses {
			got = append(got, status.Name+"="+status.Value)
			var data struct {
				Change               *string
				ConfirmationStatusId *int
				ConfirmationStatus   string
			}
			if err := json.Unmarshal(status.Data, &data); err != nil {
				t.Fatal(err)
			}
			switch {
			case data.Change != nil && strconv.Quote(*data.Change) == status.Value:
			case data.ConfirmationStatusId != nil && strconv.Itoa(*data.ConfirmationStatusId) == status.Value &&
				strings.EqualFold(data.ConfirmationStatus, strings.ReplaceAll(status.Name, " ", "")):
			default:
				t.Errorf("%s, %s: data %s", kind.Code, status.Name, status.Data)
			}
		}
		if diff := cmp.Diff(want[kind.Code], strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind.Code, diff)
		}
	}
}

// TestSystemSamples: they are JSON that names its type, and nobody can post them.
func TestSystemSamples(t *testing.T) {
	t.Parallel()
	for _, kind := range engine.BuiltIn.InGroup(engine.GroupSystem) {
		var data engine.SystemEvent
		if err := json.Unmarshal(kind.Sample(), &data); err != nil || data.Type != kind.Code || data.Webhook == "" {
			t.Errorf("%s: sample %s: %v", kind.Code, kind.Sample(), err)
		}
		e := engine.Event{Type: kind.Code, Data: kind.Sample()}
		if err := e.Prepare(engine.BuiltIn, noon); err == nil {
			t.Errorf("%s can be posted", kind.Code)
		}
	}
}
