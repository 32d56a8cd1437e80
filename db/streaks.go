package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"labhook/engine"
)

const streakColumns = "webhook, since, attempts, deliveries, delivery, given_up, told, spell, paused_until"

func scanStreak(row scanner) (s engine.Streak, err error) {
	return s, row.Scan(&s.WebhookID, at(&s.Since), &s.Attempts, &s.Deliveries, &s.Delivery, &s.GivenUp, &s.Told, &s.Spell, at(&s.PausedUntil))
}

// streak keeps count of the attempts of a webhook that fail in a row, pauses it, and tells when it starts and stops
// failing. Attempts for system events do not count, as what they come to raises no other, nor do those that this host
// itself refused; but as the probe of a paused webhook they end or lengthen its pause. Tests count for nothing.
func (t *tx) streak(d *engine.Delivery, class engine.FailureClass, now time.Time) error {
	known := t.writer.store.streaks[d.WebhookID]
	if d.Test || class == "" && !known {
		return nil
	}
	kind, err := get(t, scanText, "SELECT e.type FROM events e WHERE e.id = ?", int64(d.EventID))
	if err != nil {
		return fmt.Errorf("event of %s: %w", d.ID, err)
	}
	before := engine.Streak{WebhookID: d.WebhookID}
	if known {
		if before, err = getStreak(t, d.WebhookID); err != nil {
			return err
		}
	}
	system := engine.BuiltIn.System(kind)
	if (system || class != "" && !class.CountsAgainst()) && !before.Paused() {
		return nil
	}
	if class == "" {
		return t.endStreak(before, d, now)
	}
	return t.lengthenStreak(before, d, system, now)
}

func scanText(row scanner) (text string, err error) { return text, row.Scan(&text) }

// lengthenStreak notes a failed attempt. quiet: it must raise no event.
func (t *tx) lengthenStreak(before engine.Streak, d *engine.Delivery, quiet bool, now time.Time) error {
	gate, err := exists(t, selectHoldsGate, int64(d.WebhookID))
	if err != nil {
		return err
	}
	site := t.writer.store.Settings()
	after := before.Fail(d, gate, site.PauseRule(), now)
	tell := after.Tells(&before) && !quiet
	after.Told = after.Told || tell
	if err := t.putStreak(after); err != nil {
		return err
	}
	if !after.PausedUntil.Equal(before.PausedUntil) {
		t.paused = append(t.paused, after)
	}
	if tell {
		if err := t.raiseHealth(engine.SystemWebhookFailing, d, after.PausedUntil, now); err != nil {
			return err
		}
	}
	if w := t.directory.Webhook(d.WebhookID); w != nil && site.Deactivates(after.Since, now) {
		return t.switchOff(w, engine.DeactivatedByFailing, d)
	}
	return nil
}

const selectHoldsGate = "SELECT 1 FROM gates INDEXED BY gates_webhook WHERE webhook = ? AND opened_at IS NULL LIMIT 1"

// getStreak returns the streak of a webhook; one without failures when it has none.
func getStreak(t *tx, id engine.WebhookID) (engine.Streak, error) {
	s, err := get(t, scanStreak, selectStreak, int64(id))
	if errors.Is(err, engine.ErrNotFound) {
		return engine.Streak{WebhookID: id}, nil
	}
	return s, err
}

const selectStreak = "SELECT " + streakColumns + " FROM streaks WHERE webhook = ?"

func (t *tx) putStreak(s engine.Streak) error {
	remember := func() { t.writer.store.streaks[s.WebhookID] = true }
	remember()
	t.onCommit(remember) // again, as another operation of the group may have ended the streak before this one
	return t.exec("INSERT OR REPLACE INTO streaks ("+streakColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		int64(s.WebhookID), millis(s.Since), s.Attempts, s.Deliveries, int64(s.Delivery), s.GivenUp, s.Told, s.Spell, millis(s.PausedUntil))
}

// endStreak notes that an attempt succeeded.
func (t *tx) endStreak(s engine.Streak, d *engine.Delivery, now time.Time) error {
	if err := t.forgetStreak(s); err != nil || !s.Told {
		return err
	}
	return t.raiseHealth(engine.SystemWebhookRecovered, d, time.Time{}, now)
}

// forgetStreak removes a streak, and its pause with it.
func (t *tx) forgetStreak(s engine.Streak) error {
	if err := t.exec("DELETE FROM streaks WHERE webhook = ?", int64(s.WebhookID)); err != nil {
		return err
	}
	t.onCommit(func() { delete(t.writer.store.streaks, s.WebhookID) })
	if s.Paused() {
		t.paused = append(t.paused, engine.Streak{WebhookID: s.WebhookID})
	}
	return nil
}

// unpause ends the pause of a webhook that is about to hold a lane.
func (t *tx) unpause(id engine.WebhookID) error {
	if !t.writer.store.streaks[id] {
		return nil
	}
	s, err := getStreak(t, id)
	if err != nil || !s.Paused() {
		return err
	}
	s.PausedUntil = time.Time{}
	t.paused = append(t.paused, s)
	return t.putStreak(s)
}

// ResumeWebhook ends the pause of a webhook by hand. ErrConflict when it is not paused.
func (s *Store) ResumeWebhook(ctx context.Context, who engine.Actor, id engine.WebhookID) error {
	err := s.writer.do(ctx, func(t *tx) error {
		streak, err := getStreak(t, id)
		if err != nil {
			return err
		}
		if !streak.Paused() {
			return fmt.Errorf("%s is not paused: %w", id, engine.ErrConflict)
		}
		streak = streak.Resume(t.now)
		t.paused = append(t.paused, streak)
		if err := t.putStreak(streak); err != nil {
			return err
		}
		return t.audit(who, "webhook.resume", id.String(), "")
	})
	if err != nil {
		return fmt.Errorf("resume webhook: %w", err)
	}
	return nil
}

// Pauses returns the webhooks that are paused.
func (s *Store) Pauses(ctx context.Context) ([]engine.Streak, error) {
	paused, err := list(ctx, s, scanStreak, selectPaused)
	if err != nil {
		return nil, fmt.Errorf("list paused webhooks: %w", err)
	}
	return paused, nil
}

const selectPaused = "SELECT " + streakColumns + ` FROM streaks INDEXED BY streaks_paused
	WHERE paused_until IS NOT NULL ORDER BY paused_until`

// Streak returns how many attempts of a webhook failed in a row; one without failures when the latest succeeded.
func (s *Store) Streak(ctx context.Context, id engine.WebhookID) (engine.Streak, error) {
	streak, err := one(s.read.QueryRowContext(ctx, selectStreak, int64(id)), scanStreak)
	if errors.Is(err, engine.ErrNotFound) {
		return engine.Streak{WebhookID: id}, nil
	}
	return streak, err
}

// loadStreaks remembers which webhooks have a streak.
func (s *Store) loadStreaks(ctx context.Context) error {
	s.streaks = map[engine.WebhookID]bool{}
	ids, err := list(ctx, s, number, "SELECT webhook FROM streaks")
	for _, id := range ids {
		s.streaks[engine.WebhookID(id)] = true
	}
	return err
}

func (t *tx) raiseHealth(kind string, d *engine.Delivery, pausedUntil, now time.Time) error {
	w := t.directory.Webhook(d.WebhookID)
	if w == nil {
		return nil
	}
	return t.raise(engine.SystemEvent{
		Type: kind, Consumer: w.ConsumerID.String(), Webhook: w.ID.String(), WebhookName: w.Name,
		FailureClass: string(d.LastClass), Status: d.LastStatus, PausedUntil: pausedUntil.UTC(),
	}, w.ConsumerID, now)
}
