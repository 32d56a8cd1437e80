package db

import (
	"context"
	"errors"
	"fmt"

	"labhook/engine"
)

// selectNextSubject takes one step along the index, past all events of the subject before.
const selectNextSubject = `SELECT subject FROM events INDEXED BY events_subject
	WHERE subject <> '' AND subject >= ? AND subject < ? ORDER BY subject LIMIT 1`

// SubjectsFrom returns the first lab instances, and other subjects of events, whose ids begin with a text, in order.
func (s *Store) SubjectsFrom(ctx context.Context, prefix string, limit int) ([]string, error) {
	var subjects []string
	// No UTF-8 text has this byte, so that everything that begins with the prefix comes before it.
	from, end := prefix, prefix+"\xff"
	for prefix != "" && len(subjects) < limit {
		subject, err := one(s.read.QueryRowContext(ctx, selectNextSubject, from, end), scanText)
		if errors.Is(err, engine.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("find lab instances: %w", err)
		}
		subjects = append(subjects, subject)
		from = subject + "\x01" // subjects have no control characters
	}
	return subjects, nil
}

const selectSameID = "SELECT " + eventColumns + " FROM events e INDEXED BY events_sender_id WHERE e.sender_id = ? ORDER BY e.scope LIMIT ?"

// EventsOfSenders returns the first events to which their senders gave that id: each sender has its own.
func (s *Store) EventsOfSenders(ctx context.Context, id string, limit int) ([]engine.Event, error) {
	events, err := list(ctx, s, scanEvent, selectSameID, id, limit)
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	return events, nil
}
