package views

import (
	"slices"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// A long time in which little happens must not hide a short one in which a gate was closed.
func TestOverviewShowsShortGates(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	gate := engine.DeliveryRow{Delivery: engine.Delivery{ID: 1, Lane: 7, CreatedAt: start, State: engine.StateDelivered, FinishedAt: at(2 * time.Second)}}
	behind := engine.DeliveryRow{Delivery: engine.Delivery{ID: 2, Lane: 7, CreatedAt: at(time.Second), State: engine.StateDelivered, FinishedAt: at(9 * time.Second)}}
	waits := engine.DeliveryRow{Delivery: engine.Delivery{ID: 4, Lane: 7, CreatedAt: at(3 * time.Hour), State: engine.StateHeld}}
	closed := engine.DeliveryRow{Delivery: engine.Delivery{ID: 3, Lane: 7, CreatedAt: at(3 * time.Hour), State: engine.StateSending}}
	skipped := engine.DeliveryRow{Delivery: engine.Delivery{ID: 5, Lane: 7, CreatedAt: at(3 * time.Hour), State: engine.StateSkipped, FinishedAt: at(3*time.Hour + time.Second)}}
	gates := map[engine.DeliveryID]engine.Gate{
		1: {DeliveryID: 1, Lane: 7, ClosedAt: start, OpenedAt: at(2 * time.Second)},
		3: {DeliveryID: 3, Lane: 7, ClosedAt: at(3 * time.Hour)},
	}
	event := func(id int64, after time.Duration, rows ...engine.DeliveryRow) engine.LabEvent {
		return engine.LabEvent{Event: engine.Event{ID: engine.EventID(id), Type: engine.LabScored, AcceptedAt: at(after)}, Deliveries: rows, Gates: gates}
	}
	p := Page{Now: at(4 * time.Hour), Zone: time.UTC}
	o := newOverview(LabInstanceDetail{Page: p, Lab: engine.LabInstance{Events: []engine.LabEvent{
		event(1, 0, gate), event(2, time.Second, behind), event(3, 3*time.Hour, closed, waits), event(4, 3*time.Hour, skipped),
	}}})
	var words []string
	for _, row := range o.Rows {
		words = append(words, spanWords(p, row.Closed)+" / "+spanWords(p, row.Held))
		for _, s := range append(row.Closed, row.Held...) {
			if s.X == "" || s.Width == "0%" {
				t.Errorf("a time from %s to %s is drawn at %q, %q wide", s.From, s.To, s.X, s.Width)
			}
		}
	}
	want := []string{"2 s / –", "– / 1 s", "since 15:00:00 UTC / since 15:00:00 UTC", "– / 1 s"}
	if !slices.Equal(words, want) {
		t.Errorf("the overview says %q, want %q", words, want)
	}
	if o.Rows[0].At != "1%" || o.Rows[2].Closed[0].X <= o.Rows[1].Held[0].X {
		t.Errorf("the events are at %s, %s", o.Rows[0].At, o.Rows[2].Closed[0].X)
	}
}

// One event alone, and events at the same moment, have no time between them to divide by.
func TestOverviewOfOneMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	e := engine.LabEvent{Event: engine.Event{Type: engine.LabScored, AcceptedAt: now}}
	o := newOverview(LabInstanceDetail{Page: Page{Now: now, Zone: time.UTC}, Lab: engine.LabInstance{Events: []engine.LabEvent{e, e}}})
	if o.Rows[0].At != "1%" || o.Rows[1].At != "1%" {
		t.Errorf("the events are at %s and %s", o.Rows[0].At, o.Rows[1].At)
	}
}

func TestNotYet(t *testing.T) {
	t.Parallel()
	for want, codes := range map[string][]string{
		"lab.post_build lab.first_displayable lab.tearing_down lab.torn_down": {engine.LabPreBuild},
		"lab.tearing_down lab.torn_down":                                      {engine.LabPreBuild, engine.LabSaved, engine.LabResumed},
		"lab.torn_down":                                                       {engine.LabScored, engine.LabTearingDown, engine.LabTransferToUser},
		"":                                                                    {engine.LabTransferToUser, engine.LabProfileChanged},
	} {
		d := LabInstanceDetail{}
		for _, code := range codes {
			d.Lab.Events = append(d.Lab.Events, engine.LabEvent{Event: engine.Event{Type: code}})
		}
		if got := strings.Join(d.notYet(), " "); got != want {
			t.Errorf("after %v: %q, want %q", codes, got, want)
		}
	}
}

func TestOpeningSentence(t *testing.T) {
	t.Parallel()
	rows := func(blocking ...bool) []engine.DeliveryRow {
		list := make([]engine.DeliveryRow, len(blocking))
		for i, b := range blocking {
			list[i].Blocking, list[i].WebhookName = b, "Archive"
		}
		return list
	}
	for want, o := range map[string]GateOpen{
		"Nothing waits behind it at the moment.": {},
		"1 delivery is let go at once.":          {Held: rows(false), Gate: ClosedGate{Deliveries: 1}},
		"3 deliveries are let go at once.":       {Held: rows(false, false, false), Gate: ClosedGate{Deliveries: 3}},
		"2+ deliveries are let go at once.":      {Held: rows(false, false), Gate: ClosedGate{Deliveries: 900}},
		`1 delivery is let go at once. The last of them, "Archive", is blocking and closes the next gate. 4 deliveries stay held behind that.`: {
			Held: rows(true, false), Gate: ClosedGate{Deliveries: 5},
		},
		`2 deliveries are let go at once. The last of them, "Archive", is blocking and closes the next gate.`: {
			Held: rows(false, true), Gate: ClosedGate{Deliveries: 2},
		},
	} {
		if got := o.sentence(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestHoldPreview(t *testing.T) {
	t.Parallel()
	w := engine.Webhook{Blocking: true, Timeout: 30 * time.Second, Retries: 5, Events: []string{engine.LabScored}}
	h := NewHoldPreview(engine.BuiltIn, &w)
	if got := h.sentence(); !strings.HasSuffix(got, "wait up to 195 s (3 min 15 s).") || h.long() || !h.shown() || len(h.notes()) != 0 {
		t.Errorf("%q, long %v, shown %v, notes %q", got, h.long(), h.shown(), h.notes())
	}
	w.Timeout = engine.MaxTimeout
	if !NewHoldPreview(engine.BuiltIn, &w).long() {
		t.Error("half an hour is no warning")
	}
	w.Events = []string{engine.LabAssignmentCreated, engine.SystemDeliveryFailed}
	h = NewHoldPreview(engine.BuiltIn, &w)
	if h.shown() || len(h.notes()) != 2 || !strings.Contains(h.notes()[0], "Only a sender that waits") || !strings.Contains(h.notes()[1], "system events never hold") {
		t.Errorf("events without a lab: shown %v, notes %q", h.shown(), h.notes())
	}
	w.Events = []string{engine.TrackStarted, engine.InviteClaimed}
	h = NewHoldPreview(engine.BuiltIn, &w)
	if !h.shown() || len(h.notes()) != 1 || !strings.HasPrefix(h.notes()[0], "Invite Claimed: ") || !strings.HasPrefix(h.sentence(), "Later events about the same, ") {
		t.Errorf("events with a subject of their own: shown %v, notes %q, %q", h.shown(), h.notes(), h.sentence())
	}
	w.Events = []string{engine.SkilljarPathEnrollment, engine.SkilljarPathCompletion, engine.InviteClaimed, engine.ReviewCreated, engine.CourseComplete}
	if h = NewHoldPreview(engine.BuiltIn, &w); h.shown() || !strings.HasPrefix(h.notes()[0], "Path Enrollment, Path Completion, Invite Claimed and 2 others: ") {
		t.Errorf("many events about nothing: shown %v, notes %q", h.shown(), h.notes())
	}
	w.Events = []string{engine.AllEvents}
	if h = NewHoldPreview(engine.BuiltIn, &w); !h.shown() || len(h.notes()) != 1 {
		t.Errorf("all events: shown %v, notes %q", h.shown(), h.notes())
	}
}

func TestHealthCallsForAttention(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for closed, want := range map[time.Duration]time.Duration{time.Minute: 0, 7*time.Minute + time.Second: 7 * time.Minute} {
		if got := (Health{ClosedGates: 1, GateClosedAt: now.Add(-closed)}).longest(now); got != want {
			t.Errorf("a gate that has been closed for %s: %s, want %s", closed, got, want)
		}
	}
	if got := (Health{}).longest(now); got != 0 {
		t.Errorf("without a gate: %s", got)
	}
}
