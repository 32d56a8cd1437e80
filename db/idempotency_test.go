package db

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"labhook/engine"
)

// TestKeptAnswers begins and ends requests beyond the number that is kept.
func TestKeptAnswers(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	k, _, err := s.CreateKey(t.Context(), engine.System, engine.APIKey{Description: "CI", Scope: engine.ScopeManage})
	if err != nil {
		t.Fatal(err)
	}
	request := func(n int) Request { return Request{APIKey: k.ID, Name: fmt.Sprint("k", n), Sum: [32]byte{byte(n)}} }
	for n := range 5 {
		if known, err := s.BeginRequest(t.Context(), request(n)); err != nil || known != nil {
			t.Fatalf("request %d: %+v, %v", n, known, err)
		}
		must(t, s.EndRequest(t.Context(), request(n), KeptAnswer{Status: 201, Header: map[string]string{"ETag": "1"}, Body: []byte{byte(n)}}))
	}
	known, err := s.BeginRequest(t.Context(), request(3))
	if err != nil || known == nil || known.Status != 201 || known.Body[0] != 3 || known.Header["ETag"] != "1" {
		t.Errorf("kept %+v, %v", known, err)
	}
	other := request(3)
	other.Sum[1] = 1
	if _, err := s.BeginRequest(t.Context(), other); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("another request under the same name: %v", err)
	}
	must(t, s.writer.do(t.Context(), func(t *tx) error { return t.exec(deleteSurplus, k.ID, 2) }))
	for n := range 5 {
		known, err := s.BeginRequest(t.Context(), request(n))
		if err != nil || (known != nil) != (n >= 3) {
			t.Errorf("request %d: kept %+v, %v", n, known, err)
		}
	}
	must(t, s.EndRequest(t.Context(), request(0), KeptAnswer{Status: 200, Body: make([]byte, MaxAnswerToKeep+1)}))
	if known, err := s.BeginRequest(t.Context(), request(0)); err != nil || known.Status != 200 || known.Header != nil || known.Body != nil {
		t.Errorf("of a large answer %+v, %v is kept", known, err)
	}
	must(t, s.PurgeAnswers(t.Context(), time.Now().Add(KeepAnswers+time.Hour)))
	if known, err := s.BeginRequest(t.Context(), request(3)); err != nil || known != nil {
		t.Errorf("after a day: %+v, %v", known, err)
	}
}
