package engine

import "time"

// PauseRule says when a webhook is paused.
type PauseRule struct {
	Attempts int           // that must have failed in a row; 0: none is paused
	After    time.Duration // for how long nothing must have got through
}

// PauseRule is the rule of the site.
func (s *SiteSettings) PauseRule() PauseRule { return PauseRule{s.PauseAttempts, s.PauseAfter} }

// Deactivates reports whether a webhook is to be deactivated for which nothing got through since a time.
func (s *SiteSettings) Deactivates(since, now time.Time) bool {
	return s.DeactivateAfter > 0 && now.Sub(since) >= s.DeactivateAfter
}

// A webhook whose deliveries keep failing is paused: nothing is sent for it but one probe at the end of each spell, and
// the spells grow. Its deliveries wait meanwhile; none is given up without the attempts that its policy gives it. A
// webhook that holds a gate is never paused.
const (
	// PauseAttempts is how many attempts in a row must have failed for it, unless the site says otherwise.
	PauseAttempts = 20
	// PauseDeliveries is how often the failed attempt must have been another delivery's than the one before: one
	// delivery that is retried is no backlog.
	PauseDeliveries = 5
	// PauseAfter is for how long nothing must have got through, unless the site says otherwise.
	PauseAfter = 30 * time.Second
)

// pauseSpells are how long the pauses are, one after the other; the last one repeats.
var pauseSpells = []time.Duration{
	30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
}

// Streak is the attempts of a webhook that failed in a row.
type Streak struct {
	WebhookID  WebhookID
	Since      time.Time
	Attempts   int        // that failed in a row
	Deliveries int        // how often that was another delivery than the time before
	Delivery   DeliveryID // of the latest attempt
	GivenUp    int        // deliveries that failed for good in a row
	Told       bool       // SystemWebhookFailing was raised
	Spell      int        // how often it was paused in a row
	// PausedUntil is when the next probe may go; zero: it is not paused.
	PausedUntil time.Time
}

// Paused reports whether only a probe may be sent, or not even that yet.
func (s *Streak) Paused() bool { return !s.PausedUntil.IsZero() }

// CountsAgainst reports whether a failure of that class tells something about the receiver. What this host itself
// refuses does not.
func (c FailureClass) CountsAgainst() bool {
	return c != "" && c != ClassBlocked && c != ClassRequest
}

// Fail returns the streak after one more failed attempt of a delivery, which ended now and may have been its last one.
// holdsGate: the webhook holds a lane, so that it must not be paused.
func (s Streak) Fail(d *Delivery, holdsGate bool, rule PauseRule, now time.Time) Streak {
	if s.Attempts == 0 {
		s.Since = now
	}
	s.Attempts++
	if s.Delivery != d.ID {
		s.Delivery = d.ID
		s.Deliveries++
	}
	if d.State == StateFailed {
		s.GivenUp++
	}
	switch {
	case holdsGate, rule.Attempts == 0:
		s.PausedUntil = time.Time{}
	case s.Paused():
		// What was under way when the pause began says nothing about the time since.
		if !now.Before(s.PausedUntil) {
			s = s.pause(now)
		}
	case s.Attempts >= rule.Attempts && s.Deliveries >= min(PauseDeliveries, rule.Attempts) && now.Sub(s.Since) >= rule.After:
		s = s.pause(now)
	}
	return s
}

// pause begins the next spell.
func (s Streak) pause(now time.Time) Streak {
	s.Spell++
	s.PausedUntil = now.Add(pauseSpells[min(s.Spell, len(pauseSpells))-1])
	return s
}

// Resume returns the streak with its pause ended by hand: everything may be sent, and the spells begin anew.
func (s Streak) Resume(now time.Time) Streak {
	s.PausedUntil, s.Spell = time.Time{}, 0
	s.Since, s.Attempts, s.Deliveries = now, 1, 1
	return s
}

// Failing reports whether so many deliveries in a row failed for good that somebody should know.
func (s *Streak) Failing() bool { return s.GivenUp >= FailingAfter }

// Tells reports whether SystemWebhookFailing is to be raised when before became s: once for deliveries that were given up,
// and once when the pauses begin.
func (s *Streak) Tells(before *Streak) bool {
	return s.Failing() && !before.Told || s.Paused() && before.Spell == 0
}
