package db

import (
	"errors"
	"testing"

	"labhook/engine"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestEventsOfTwoScopes stores events of several senders under one id and one key.
func TestEventsOfTwoScopes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.newConsumer(t, "Other platform")
	third := b.newConsumer(t, "Third platform")
	insert := func(scope, to engine.ConsumerID, id string) *engine.Event {
		e := newEvent()
		e.Scope, e.ConsumerID, e.SenderID, e.IdempotencyKey = scope, to, id, "key of "+id
		known, err := insertAll(b, e, nil)
		must(t, err)
		if known != nil {
			t.Fatalf("event %s of %s was known as %s", id, scope, known.ID)
		}
		return e
	}
	platform := insert(0, b.consumer.ID, "a")
	mine, others := insert(b.consumer.ID, b.consumer.ID, "a"), insert(other.ID, other.ID, "a")
	lone := insert(b.consumer.ID, b.consumer.ID, "b")
	forAll := insert(0, 0, "c")
	insert(b.consumer.ID, b.consumer.ID, "d")
	insert(other.ID, other.ID, "d")
	for _, tt := range []struct {
		name   string
		viewer engine.ConsumerID
		want   *engine.Event
	}{
		{"a", 0, platform},
		{"a", b.consumer.ID, mine},
		{"a", other.ID, others},
		{"a", third.ID, nil},
		{"b", b.consumer.ID, lone},
		{"b", 0, lone}, // the only one
		{"b", other.ID, nil},
		{"c", third.ID, forAll},
		{"d", 0, nil}, // there are two
		{others.ID.String(), 0, others},
	} {
		got, err := b.EventNamed(t.Context(), tt.name, tt.viewer)
		if tt.want == nil {
			if !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("%s for %s: %s, %v; want ErrNotFound", tt.name, tt.viewer, got.ID, err)
			}
			continue
		}
		must(t, err)
		if diff := cmp.Diff(*tt.want, got, cmpopts.IgnoreUnexported(engine.Event{})); diff != "" {
			t.Errorf("%s for %s (-want +got):\n%s", tt.name, tt.viewer, diff)
		}
	}
	again := newEvent()
	again.Scope, again.IdempotencyKey = other.ID, others.IdempotencyKey
	known, err := insertAll(b, again, nil)
	must(t, err)
	if known == nil || known.ID != others.ID {
		t.Errorf("the key of %s is known as %v, want %s", others.ID, known, others.ID)
	}
}
