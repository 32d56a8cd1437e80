package engine_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"labhook/engine"
)

// stage is a transport that keeps every request waiting until the test answers it or it is broken off.
type stage struct {
	mu      sync.Mutex
	pending map[string][]*staged // by webhook-id, oldest first
	first   map[string]time.Time // when a delivery was first on the wire
}

type staged struct {
	at     time.Time
	status chan int
}

func newStage() *stage {
	return &stage{pending: map[string][]*staged{}, first: map[string]time.Time{}}
}

func (s *stage) RoundTrip(req *http.Request) (*http.Response, error) {
	id := req.Header.Get("Webhook-Id")
	r := &staged{at: time.Now(), status: make(chan int, 1)}
	s.mu.Lock()
	s.pending[id] = append(s.pending[id], r)
	if _, ok := s.first[id]; !ok {
		s.first[id] = r.at
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pending[id] = slices.DeleteFunc(s.pending[id], func(other *staged) bool { return other == r }); len(s.pending[id]) == 0 {
			delete(s.pending, id)
		}
	}()
	select {
	case status := <-r.status:
		return &http.Response{
			Proto: "HTTP/1.1", StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: req,
		}, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// of returns the requests that wait for a delivery, oldest first.
func (s *stage) of(id engine.DeliveryID) []*staged {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pending[id.String()])
}

// firstOf returns when a delivery was first on the wire.
func (s *stage) firstOf(id engine.DeliveryID) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.first[id.String()]
	return at, ok
}

var errCrashed = errors.New("crashed")

// mortalStore is a store that loses its engine: after the crash nothing of what that engine does is stored.
type mortalStore struct {
	engine.Store
	crashed atomic.Bool
}

func (s *mortalStore) InsertEvent(e *engine.Event, offers []engine.Offer, done func(engine.Inserted, error)) {
	if s.crashed.Load() {
		done(engine.Inserted{}, errCrashed)
		return
	}
	s.Store.InsertEvent(e, offers, done)
}

func (s *mortalStore) RecordAttempt(r engine.Record, done func(engine.Delivery, error)) {
	if s.crashed.Load() {
		go done(engine.Delivery{}, errCrashed)
		return
	}
	s.Store.RecordAttempt(r, done)
}

func (s *mortalStore) ClaimDue(ctx context.Context, now time.Time, wants []engine.Want) ([]engine.Claim, error) {
	if s.crashed.Load() {
		return nil, errCrashed
	}
	return s.Store.ClaimDue(ctx, now, wants)
}

func (s *mortalStore) PutBack(ctx context.Context, now time.Time, unsent []*engine.Sending) error {
	if s.crashed.Load() {
		return errCrashed
	}
	return s.Store.PutBack(ctx, now, unsent)
}

func (s *mortalStore) PutBackAbandoned(ctx context.Context, now time.Time, kept func(engine.DeliveryID) bool) ([]engine.WebhookID, error) {
	if s.crashed.Load() {
		return nil, errCrashed
	}
	return s.Store.PutBackAbandoned(ctx, now, kept)
}

func (s *mortalStore) CancelUnusable(ctx context.Context, now time.Time, ids []engine.DeliveryID, reason string) error {
	if s.crashed.Load() {
		return errCrashed
	}
	return s.Store.CancelUnusable(ctx, now, ids, reason)
}

func (s *mortalStore) OpenLateGates(ctx context.Context, now time.Time, limit int) (time.Time, error) {
	if s.crashed.Load() {
		return time.Time{}, errCrashed
	}
	return s.Store.OpenLateGates(ctx, now, limit)
}

func (s *mortalStore) ReleaseLanes(ctx context.Context, now time.Time, lanes []engine.LaneID) error {
	if s.crashed.Load() {
		return errCrashed
	}
	return s.Store.ReleaseLanes(ctx, now, lanes)
}

func (s *mortalStore) GoOn(ctx context.Context, now time.Time) (bool, error) {
	if s.crashed.Load() {
		return false, errCrashed
	}
	return s.Store.GoOn(ctx, now)
}
