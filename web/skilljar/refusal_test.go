package skilljar

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"labhook/engine"
)

// TestRefusalOf gives every error of the layers below its status.
func TestRefusalOf(t *testing.T) {
	t.Parallel()
	for err, status := range map[error]int{
		engine.ErrNotFound:           http.StatusNotFound,
		engine.ErrStopping:           http.StatusServiceUnavailable,
		engine.ErrUnwritable:         http.StatusServiceUnavailable,
		engine.BusyError{Running: 4}: http.StatusTooManyRequests,
	} {
		if got := refusalOf(err); got == nil || got.status != status {
			t.Errorf("%v is refused with %v", err, got)
		}
	}
	if got := refusalOf(errors.New("disk on fire")); got != nil {
		t.Errorf("an error of this host is the client's: %v", got)
	}
	bad := fieldErrors{}
	bad.addEngine(engine.Invalid{Field: "retries", Message: "Too many"})
	if bad[noField][0] != "retries: Too many." {
		t.Errorf("a field that this shape lacks: %v", bad)
	}
}

// TestFailureOfTheHost answers an error that is nobody's but this host's: it is logged and not shown.
func TestFailureOfTheHost(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &server{Config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "r7")
	s.fail(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, webhooksPath, nil), errors.New("disk on fire"))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "fire") || !strings.Contains(w.Body.String(), `{"detail":`) || !strings.Contains(w.Body.String(), "r7") {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "disk on fire") || !strings.Contains(log.String(), "r7") {
		t.Errorf("logged %q", log.String())
	}
}
