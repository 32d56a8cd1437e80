package engine

import "time"

// Retention is what retention has done so far. Only what has ended goes, at the end of its time; what waits never does.
type Retention struct {
	At      time.Time // of the latest run that came to its end; zero: there was none
	Took    time.Duration
	Deleted Purged // by that run
	// Gone are the deletions of events with their deliveries, oldest first, at most one a day.
	Gone []GoneIDs
}

// Purged counts what a run of retention did.
type Purged struct {
	Events  int // deleted with their deliveries
	Bodies  int // events whose bodies were deleted
	Audit   int // lines of the audit log
	Totals  int // rows of totals by the hour
	Lanes   int
	Pending bool // the run was stopped before its end
}

// GoneIDs says that events up to an id, and their deliveries, were deleted at a time where they had ended long enough ago.
type GoneIDs struct {
	Through EventID
	At      time.Time
}

// MaxGone is how many deletions are remembered; of the oldest two the later one stands for both.
const MaxGone = 400

// Note adds a deletion, together with an earlier one of the same day.
func (r *Retention) Note(through EventID, at time.Time) {
	if n := len(r.Gone); n > 0 && (through <= r.Gone[n-1].Through || at.Sub(r.Gone[n-1].At) < day) {
		last := &r.Gone[n-1]
		if through > last.Through {
			last.Through, last.At = through, at
		}
		return
	}
	if r.Gone = append(r.Gone, GoneIDs{through, at}); len(r.Gone) > MaxGone {
		r.Gone = r.Gone[1:]
	}
}

// GoneAt returns when what had that id was deleted, if it was; zero: retention has not come so far. Ids of events and
// deliveries are made in one order.
func (r *Retention) GoneAt(id int64) time.Time {
	for _, g := range r.Gone {
		if id <= int64(g.Through) {
			return g.At
		}
	}
	return time.Time{}
}

// Before is the time of acceptance before which events may be gone, and when the latest of them went; zero: none is.
func (r *Retention) Before() (accepted, gone time.Time) {
	if len(r.Gone) == 0 {
		return accepted, gone
	}
	last := r.Gone[len(r.Gone)-1]
	return TimeOfID(int64(last.Through)), last.At
}

// BodyGone is why a delivery cannot be sent again whose bodies were deleted at a time.
func BodyGone(at time.Time) Conflict {
	return Conflict("What it carried was deleted by retention on " + at.UTC().Format(time.DateOnly) + ". It cannot be sent again.")
}
