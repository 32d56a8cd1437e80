package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestAPIRoutes checks that the server answers for the API as its own handler does, also where no route fits.
func TestAPIRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/v1/openapi.json", http.StatusOK},
		{"HEAD", "/api/v1/openapi.json", http.StatusOK},
		{"GET", "/api/v1/events/run-1", http.StatusUnauthorized},
		{"POST", "/api/v1/events", http.StatusUnauthorized},
		{"PATCH", "/api/v1/events", http.StatusMethodNotAllowed},
		{"POST", "/api/v1/events/run-1", http.StatusMethodNotAllowed},
		{"GET", "/api/v1/events/", http.StatusNotFound},
		{"GET", "/api/v1/nothing", http.StatusNotFound},
		{"POST", "/api/v1/docs", http.StatusNotFound},
		{"GET", "/api/", http.StatusNotFound},
	} {
		var answers [2]*httptest.ResponseRecorder
		for i, h := range []http.Handler{b.web.Handler(), b.web.api} {
			answers[i] = httptest.NewRecorder()
			h.ServeHTTP(answers[i], httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, nil))
		}
		whole, alone := answers[0], answers[1]
		if whole.Code != tt.status || alone.Code != tt.status {
			t.Errorf("%s %s: the server answers %d, the API %d, want %d", tt.method, tt.path, whole.Code, alone.Code, tt.status)
		}
		for _, name := range []string{"Allow", "Content-Type", "Cache-Control", "X-Content-Type-Options"} {
			if got, want := whole.Header().Get(name), alone.Header().Get(name); got != want {
				t.Errorf("%s %s: the server answers %s %q, the API %q", tt.method, tt.path, name, got, want)
			}
		}
		if got, want := whole.Body.String(), alone.Body.String(); got != want {
			t.Errorf("%s %s: the server answers %s, the API %s", tt.method, tt.path, got, want)
		}
	}
}
