package db

import (
	"context"
	"fmt"
	"time"

	"labhook/engine"
)

// SaveSession stores the session of a signed-in user under the hash of its token, in the place of an earlier state.
func (s *Store) SaveSession(ctx context.Context, tokenHash string, user engine.UserID, data []byte, expires time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		return t.exec(`INSERT INTO sessions (token_hash, user, data, created_at, expires_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (token_hash) DO UPDATE SET user = excluded.user, data = excluded.data, expires_at = excluded.expires_at`,
			tokenHash, user, notNil(data), t.now.UnixMilli(), expires.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

// notNil keeps an empty value from being stored as NULL.
func notNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// Session returns a session that has not expired at now; engine.ErrNotFound when there is none.
func (s *Store) Session(ctx context.Context, tokenHash string, now time.Time) (user engine.UserID, data []byte, expires, created time.Time, err error) {
	row := s.read.QueryRowContext(ctx,
		"SELECT user, data, expires_at, created_at FROM sessions WHERE token_hash = ? AND expires_at > ?", tokenHash, now.UnixMilli())
	_, err = one(row, func(row scanner) (none struct{}, err error) {
		return none, row.Scan(&user, &data, at(&expires), at(&created))
	})
	return user, data, expires, created, err
}

// DeleteSession ends a session. It is no error when there is none.
func (s *Store) DeleteSession(ctx context.Context, tokenHash string) error {
	err := s.writer.do(ctx, func(t *tx) error {
		return t.exec("DELETE FROM sessions WHERE token_hash = ?", tokenHash)
	})
	if err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// PurgeSessions deletes the sessions that have expired at now.
func (s *Store) PurgeSessions(ctx context.Context, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		return t.exec("DELETE FROM sessions WHERE expires_at <= ?", now.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("purge sessions: %w", err)
	}
	return nil
}
