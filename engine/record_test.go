package engine_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"labhook/engine"
)

// TestLogOfAttempts: what is logged of a delivery that fails at last and of one that arrives, by the level of the log.
func TestLogOfAttempts(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level][]string{
		slog.LevelDebug: {"INFO attempt finished", "INFO attempt finished", "WARN delivery failed", "DEBUG attempt finished"},
		slog.LevelInfo:  {"INFO attempt finished", "INFO attempt finished", "WARN delivery failed"},
		slog.LevelWarn:  {"WARN delivery failed"},
	} {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				b := setup(t, engine.Limits{})
				if err := b.engine.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
				b.start(engine.Limits{})
				status := http.StatusBadGateway
				b.wire.answer = func(context.Context, arrival, int) (int, error) { return status, nil }
				b.webhook(func(w *engine.Webhook) { w.Retries = 1 })
				b.post("fails")
				settle(time.Minute)
				status = http.StatusOK
				b.post("arrives")
				settle(time.Minute)
				checkLines(t, out.String(), want)
			})
		})
	}
}

// checkLines compares the lines about attempts with a level and a message each.
func checkLines(t *testing.T, out string, want []string) {
	t.Helper()
	var about []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, "delivery=") {
			about = append(about, line)
		}
	}
	if len(about) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(about), len(want), out)
	}
	for i, line := range about {
		level, message, _ := strings.Cut(want[i], " ")
		if !strings.Contains(line, "level="+level+" ") || !strings.Contains(line, `msg="`+message+`"`) {
			t.Errorf("line %d is %s, want %s", i+1, line, want[i])
		}
	}
}
