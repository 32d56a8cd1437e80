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
		"0 lab.assignment_created Lab Assignment Created", "0 lab.profile_changed Lab Profile Changed",
		"16 lab.saved_preinstance_assigned Saved Preinstance Assigned To User",
		"17 lab.running_preinstance_assigned Running Preinstance Assigned To User",
	}
	var got []string
	codes, labels := map[string]bool{}, map[string]bool{}
	for _, kind := range studioEvents() {
		got = append(got, strings.Join([]string{strconv.Itoa(kind.Place), kind.Code, kind.Label}, " "))
		codes[kind.Code], labels[strings.ToLower(kind.Label)] = true, true
		if !strings.HasSuffix(kind.Description, ".") || !kind.LabDetails || (kind.Place == 0) != (kind.Group == engine.GroupOutsideLifeCycle) {
			t.Errorf("%s: %+v", kind.Code, kind)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(codes) != 19 || len(labels) != 19 {
		t.Errorf("%d codes and %d labels that differ, want 19", len(codes), len(labels))
	}
}

func TestCatalogFind(t *testing.T) {
	t.Parallel()
	for _, kind := range engine.Catalog {
		for _, name := range []string{kind.Code, kind.Label, strings.ToUpper(kind.Label), strings.ToLower(kind.Label), strings.ToUpper(kind.Code)} {
			if got, ok := engine.Catalog.Find(name); !ok || got != kind {
				t.Errorf("%q: %q, %t", name, got.Code, ok)
			}
		}
		if got := engine.Catalog.Label(kind.Code); got != kind.Label {
			t.Errorf("label of %s: %q", kind.Code, got)
		}
	}
	for _, name := range []string{"", "lab", "lab.", "scored.lab", " Scored", "*"} {
		if got, ok := engine.Catalog.Find(name); ok {
			t.Errorf("%q was found as %s", name, got.Code)
		}
	}
	if got := engine.Catalog.Label("lab.exploded"); got != "lab.exploded" {
		t.Errorf("label of an unknown code: %q", got)
	}
}

func TestCatalogGroups(t *testing.T) {
	t.Parallel()
	groups := engine.Catalog.Groups()
	if diff := cmp.Diff([]string{engine.GroupLifeCycle, engine.GroupOutsideLifeCycle, engine.GroupSystem}, groups); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, want := range []int{17, 2, 6} {
		if got := len(engine.Catalog.InGroup(groups[i])); got != want {
			t.Errorf("%s: %d event types, want %d", groups[i], got, want)
		}
	}
	if len(engine.Catalog) != 25 {
		t.Error("InGroup changed the catalog")
	}
}

// studioEvents are the event types of the catalog that platforms post.
func studioEvents() engine.EventTypes {
	return slices.DeleteFunc(slices.Clone(engine.Catalog), func(kind engine.EventType) bool { return kind.Group == engine.GroupSystem })
}

// TestSystemSamples: they are JSON that names its type, and nobody can post them.
func TestSystemSamples(t *testing.T) {
	t.Parallel()
	for _, kind := range engine.Catalog.InGroup(engine.GroupSystem) {
		var data engine.SystemEvent
		if err := json.Unmarshal(kind.Sample(), &data); err != nil || data.Type != kind.Code || data.Webhook == "" {
			t.Errorf("%s: sample %s: %v", kind.Code, kind.Sample(), err)
		}
		e := engine.Event{Type: kind.Code, Data: kind.Sample()}
		if err := e.Prepare(noon); err == nil {
			t.Errorf("%s can be posted", kind.Code)
		}
	}
}

func TestCatalogSamples(t *testing.T) {
	t.Parallel()
	for _, kind := range studioEvents() {
		e := engine.Event{Type: kind.Code, Data: kind.Sample()}
		if err := e.Prepare(noon); err != nil {
			t.Errorf("%s: %v", kind.Code, err)
		}
		if err := checkBody(kind.Sample()); err != nil {
			t.Errorf("%s: %v", kind.Code, err)
		}
		if (e.Subject == "998592321") != (kind.Place > 0) {
			t.Errorf("%s: lab instance %q", kind.Code, e.Subject)
		}
	}
}
