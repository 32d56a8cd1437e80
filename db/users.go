package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"labhook/engine"
)

const userColumns = "id, login, name, role, enabled, time_zone, theme, compact, no_shortcuts, created_at, signed_in_at"

func userFields(u *engine.User) []any {
	return []any{&u.ID, &u.Login, &u.Name, &u.Role, &u.Enabled, &u.TimeZone, &u.Theme, &u.Compact, &u.NoShortcuts, at(&u.CreatedAt), at(&u.SignedInAt)}
}

func scanUser(row scanner) (u engine.User, err error) { return u, row.Scan(userFields(&u)...) }

// HasUsers reports whether anyone can sign in.
func (s *Store) HasUsers(ctx context.Context) (has bool, err error) {
	if err := s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM users)").Scan(&has); err != nil {
		return false, fmt.Errorf("look for users: %w", err)
	}
	return has, nil
}

// CreateUser stores a new user. The error is an engine.InvalidError when a field breaks a rule or the login is taken.
func (s *Store) CreateUser(ctx context.Context, who engine.Actor, u engine.User, passwordHash string) (engine.User, error) {
	return s.createUser(ctx, who, u, passwordHash, func(*tx) error { return nil })
}

// CreateFirstUser stores the user that the setup makes; engine.ErrConflict when there is one already.
func (s *Store) CreateFirstUser(ctx context.Context, u engine.User, passwordHash string) (engine.User, error) {
	return s.createUser(ctx, engine.Actor{Name: u.Name}, u, passwordHash, func(t *tx) error {
		has, err := exists(t, "SELECT 1 FROM users LIMIT 1")
		if has {
			return fmt.Errorf("there is a user already: %w", engine.ErrConflict)
		}
		return err
	})
}

func (s *Store) createUser(ctx context.Context, who engine.Actor, u engine.User, passwordHash string, may func(*tx) error) (engine.User, error) {
	if err := u.Validate(); err != nil {
		return engine.User{}, err
	}
	u.ID = engine.NewID[engine.UserID]()
	stored, err := change(ctx, s.writer, func(t *tx) (engine.User, error) {
		if err := may(t); err != nil {
			return u, err
		}
		err := t.exec("INSERT INTO users ("+userColumns+", password_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
			u.ID, u.Login, u.Name, u.Role, u.Enabled, u.TimeZone, u.Theme, u.Compact, u.NoShortcuts, t.now.UnixMilli(), passwordHash)
		if taken(err, "users.login") {
			return u, invalid("login", "Another user is called %s", u.Login)
		} else if err != nil {
			return u, err
		}
		if err := t.audit(who, "user.create", u.Login, "role: "+string(u.Role)); err != nil {
			return u, err
		}
		return get(t, scanUser, "SELECT "+userColumns+" FROM users WHERE id = ?", u.ID)
	})
	if err != nil {
		return engine.User{}, fmt.Errorf("create user: %w", err)
	}
	return stored, nil
}

// User returns one user; engine.ErrNotFound when there is none.
func (s *Store) User(ctx context.Context, id engine.UserID) (engine.User, error) {
	return one(s.read.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE id = ?", id), scanUser)
}

// UserByLogin returns a user and the hash of the password; engine.ErrNotFound when there is none.
func (s *Store) UserByLogin(ctx context.Context, login string) (u engine.User, passwordHash string, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT "+userColumns+", password_hash FROM users WHERE login = ?", login).
		Scan(append(userFields(&u), &passwordHash)...)
	if errors.Is(err, sql.ErrNoRows) {
		err = engine.ErrNotFound
	}
	return u, passwordHash, err
}

// SetPassword stores the hash of a new password. Whoever is signed in as the user is signed out, and a link to choose
// one ends.
func (s *Store) SetPassword(ctx context.Context, who engine.Actor, id engine.UserID, passwordHash string) error {
	err := s.writer.do(ctx, func(t *tx) error {
		u, err := setPassword(t, id, passwordHash)
		if err != nil {
			return err
		}
		return t.audit(who, "user.password", u.Login, "")
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

func setPassword(t *tx, id engine.UserID, passwordHash string) (engine.User, error) {
	u, err := get(t, scanUser, "SELECT "+userColumns+" FROM users WHERE id = ?", id)
	if err != nil {
		return u, err
	}
	for _, query := range []string{"DELETE FROM sessions WHERE user = ?", "DELETE FROM invitations WHERE user = ?"} {
		if err := t.exec(query, id); err != nil {
			return u, err
		}
	}
	return u, t.exec("UPDATE users SET password_hash = ? WHERE id = ?", passwordHash, id)
}

// PasswordHash returns the hash of a user's password; engine.ErrNotFound when there is no such user.
func (s *Store) PasswordHash(ctx context.Context, id engine.UserID) (string, error) {
	return one(s.read.QueryRowContext(ctx, "SELECT password_hash FROM users WHERE id = ?", id), scanText)
}

// Users lists all users by their login.
func (s *Store) Users(ctx context.Context) ([]engine.User, error) {
	return list(ctx, s, scanUser, "SELECT "+userColumns+" FROM users ORDER BY login")
}
