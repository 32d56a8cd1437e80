package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPanicIsRecovered(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &server{Config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /before", func(http.ResponseWriter, *http.Request) { panic("secret cause") })
	s.mux.HandleFunc("GET /within", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		panic("late")
	})
	s.mux.HandleFunc("GET /abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })

	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/before", nil))
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 500 || p.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("answer %d %s: %v", w.Code, w.Body, err)
	}
	if strings.Contains(w.Body.String(), "secret cause") {
		t.Errorf("the cause is shown: %s", w.Body)
	}
	if logged := log.String(); !strings.Contains(logged, "secret cause") || !strings.Contains(logged, p.RequestID) {
		t.Errorf("log %q", logged)
	}

	w = httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/within", nil))
	if w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("an answer that had begun was changed: %d %s", w.Code, w.Body)
	}

	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler {
			t.Errorf("recovered %v, want http.ErrAbortHandler", cause)
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/abort", nil))
}
