package views

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"labhook/engine"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain ü\ttext\n": "plain ü\ttext\n", "a\r\nb\rc": "a\nb␍c", "\x1b[31m\x00\x7f": "␛[31m␀␡",
		"\xff\xfe": "��", "a\u202eb\u2066": "a⟨U+202E⟩b⟨U+2066⟩", "\u0085\u2028": "⟨U+0085⟩⟨U+2028⟩",
	} {
		if got := Printable([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add([]byte("a\x00\xff\u202e\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out := Printable(in)
		if !utf8.ValidString(out) || strings.ContainsFunc(out, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0x202e }) {
			t.Errorf("%q became %q", in, out)
		}
	})
}

func TestBodyText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		limit      int
		pretty     bool
		want       BodyText
	}{
		{"laid out", `{"a":[1]}`, 100, true, BodyText{Text: "{\n  \"a\": [\n    1\n  ]\n}", Size: 9, Pretty: true}},
		{"as it came", `{"a":1}`, 100, false, BodyText{Text: `{"a":1}`, Size: 7}},
		{"no JSON", `{"a":`, 100, true, BodyText{Text: `{"a":`, Size: 5}},
		{"brackets in a text", `"[[["`, 100, true, BodyText{Text: `"[[["`, Size: 5, Pretty: true}},
		{"cut between characters", "aüb", 2, true, BodyText{Text: "a", Size: 4, Cut: true}},
		{"empty", "", 10, true, BodyText{}},
	} {
		if got := NewBodyText([]byte(test.body), test.limit, test.pretty); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
	deep := strings.Repeat("[", prettyNesting+1) + strings.Repeat("]", prettyNesting+1)
	if got := NewBodyText([]byte(deep), 1<<20, true); got.Pretty || got.Text != deep {
		t.Error("deep nesting is laid out")
	}
}

func TestWaterfall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		timings engine.Timings
		class   engine.FailureClass
		ended   string // label of the part that failed
		notes   int    // parts without a bar
	}{
		{"whole", engine.Timings{DNS: 1, Connect: 2, TLS: 3, Sent: 1, Wait: 4, Body: 5, Total: 20}, "", "", 0},
		{"bad status", engine.Timings{Connect: 2, Sent: 1, Wait: 4, Body: 5, Total: 11}, engine.ClassStatus, "", 2},
		{"reused", engine.Timings{Sent: 1, Wait: 4, Body: 5, Total: 9, Reused: true}, "", "", 3},
		{"no name", engine.Timings{DNS: 9, Total: 9}, engine.ClassDNS, "DNS", 5},
		{"refused", engine.Timings{DNS: 1, Connect: 9, Total: 10}, engine.ClassRefused, "Connect", 4},
		{"bad certificate", engine.Timings{Connect: 1, TLS: 9, Total: 10}, engine.ClassTLS, "TLS", 4},
		{"never sent", engine.Timings{Connect: 1, Sent: 9, Wait: 9, Total: 10}, engine.ClassTimeout, "Request sent", 4},
		{"too slow", engine.Timings{Connect: 1, Sent: 9, Wait: 99_999_999, Total: 100_000_000}, engine.ClassTimeout, "First byte", 3},
		{"before that was noted", engine.Timings{Connect: 1, Wait: 99_999_999, Total: 100_000_000}, engine.ClassTimeout, "First byte", 4},
		{"blocked", engine.Timings{}, engine.ClassBlocked, "", 6},
	} {
		a := engine.Attempt{Timings: test.timings, Outcome: engine.Outcome{Class: test.class}}
		ended, notes, at := "", 0, int64(0)
		for _, p := range Waterfall(&a) {
			if p.Note != "" {
				notes++
				continue
			}
			if p.Ended {
				ended += p.Label
			}
			if p.Width < 1 || p.Start < 0 || p.Start+p.Width > waterfallWidth || p.Start < at-3 {
				t.Errorf("%s: %s lies at %d, %d wide", test.name, p.Label, p.Start, p.Width)
			}
			at = p.Start
		}
		if ended != test.ended || notes != test.notes {
			t.Errorf("%s: ended in %q with %d empty parts, want %q and %d", test.name, ended, notes, test.ended, test.notes)
		}
	}
}

func TestDeliverySentences(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 14, 2, 0, 0, time.UTC)
	attempt := engine.Attempt{Number: 7, StartedAt: now, Timings: engine.Timings{Total: 1_000_000}, Outcome: engine.Outcome{Class: engine.ClassTimeout}}
	for want, d := range map[string]engine.Delivery{
		"behind an earlier blocking delivery of the same lab instance.":                                   {State: engine.StateHeld},
		"for attempt 1 of 6, due since 14:02:00 UTC.":                                                     {State: engine.StateQueued, DueAt: now},
		`with attempt 3 of 6 at 14:02:12 UTC (in 12 s); last attempt ended in "timeout" at 14:02:01 UTC.`: {State: engine.StateRetrying, Attempts: 2, DueAt: now.Add(12 * time.Second)},
		`for attempt 3 of 6, due since 14:01:50 UTC; last attempt ended in "timeout" at 14:02:01 UTC.`:    {State: engine.StateRetrying, Attempts: 2, DueAt: now.Add(-10 * time.Second)},
		`after 7 attempts; last attempt ended in "timeout" at 14:02:01 UTC. Error Action: Log.`:           {State: engine.StateFailed, Attempts: 7, ErrorAction: engine.ErrorActionLog},
		"at 14:02:00 UTC after 1 attempt: The lab has ended.":                                             {State: engine.StateSkipped, Attempts: 1, FinishedAt: now, Reason: "The lab has ended."},
		"at 14:02:00 UTC.": {State: engine.StateCancelled, FinishedAt: now},
	} {
		row := engine.DeliveryRow{Delivery: d, AttemptsInAll: 6}
		page := NewDeliveryDetail(Page{Now: now, Zone: time.UTC}, row, []engine.Attempt{attempt}, 0, false)
		if got := page.sentence(); got != want {
			t.Errorf("%s: %q, want %q", d.State, got, want)
		}
	}
}
