package db

import (
	"context"
	"errors"
	"testing"
	"time"

	"labhook/engine"
)

// TestFullDisk: what does not fit is refused as a whole and said so, and the store recovers by itself.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := func(pages string) {
		must(t, b.writer.do(context.Background(), func(tx *tx) error {
			_, err := get(tx, number, "PRAGMA max_page_count = "+pages)
			return err
		}))
	}
	limit("1") // SQLite keeps what is used already, and gives no page more
	var err error
	for range 200 {
		e := newEvent()
		e.Data = benchData
		if _, err = insertAll(b, e, []engine.Delivery{newDelivery(e, b.webhook, engine.StateSending, time.Time{})}); err != nil {
			break
		}
	}
	if !errors.Is(err, engine.ErrUnwritable) {
		t.Fatalf("a full disk is %v, want ErrUnwritable", err)
	}
	if err := b.Ping(t.Context()); !errors.Is(err, engine.ErrUnwritable) {
		t.Errorf("Ping = %v, want ErrUnwritable", err)
	}
	limit("1000000")
	b.accept(t, b.webhook, engine.StateSending, time.Time{})
	if err := b.Ping(t.Context()); err != nil {
		t.Errorf("Ping after there is room again: %v", err)
	}
}
