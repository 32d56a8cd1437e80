package db

import (
	"context"
	"fmt"
	"time"

	"labhook/engine"
)

// Invite takes a user's password away and stores the hash of the token of a link with which the user chooses another,
// until expires. Nobody knows the password that unusableHash is of. Whoever is signed in as the user is signed out, and
// an earlier link ends.
func (s *Store) Invite(ctx context.Context, who engine.Actor, id engine.UserID, unusableHash, tokenHash string, expires time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		u, err := setPassword(t, id, unusableHash)
		if err != nil {
			return err
		}
		err = t.exec("INSERT INTO invitations (user, token_hash, expires_at) VALUES (?, ?, ?)", id, tokenHash, expires.UnixMilli())
		if err != nil {
			return err
		}
		return t.audit(who, "user.invite", u.Login, "")
	})
	if err != nil {
		return fmt.Errorf("invite user: %w", err)
	}
	return nil
}

const selectInvited = "SELECT " + userColumns + ` FROM users
	WHERE id = (SELECT user FROM invitations WHERE token_hash = ? AND expires_at > ?) AND enabled = 1`

// Invited returns the enabled user who has the link with that token, if it has not expired at now; engine.ErrNotFound
// when there is none.
func (s *Store) Invited(ctx context.Context, tokenHash string, now time.Time) (engine.User, error) {
	return one(s.read.QueryRowContext(ctx, selectInvited, tokenHash, now.UnixMilli()), scanUser)
}

// AcceptInvitation stores the password of the user who has the link, and ends the link; engine.ErrNotFound as Invited.
func (s *Store) AcceptInvitation(ctx context.Context, ip, tokenHash, passwordHash string) (engine.User, error) {
	u, err := change(ctx, s.writer, func(t *tx) (engine.User, error) {
		u, err := get(t, scanUser, selectInvited, tokenHash, t.now.UnixMilli())
		if err != nil {
			return u, err
		}
		if _, err := setPassword(t, u.ID, passwordHash); err != nil {
			return u, err
		}
		return u, t.audit(engine.Actor{Name: u.Name, IP: ip}, "user.password", u.Login, "chosen with the link of an administrator")
	})
	if err != nil {
		return engine.User{}, fmt.Errorf("accept invitation: %w", err)
	}
	return u, nil
}
