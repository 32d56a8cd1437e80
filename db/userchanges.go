package db

import (
	"context"
	"fmt"

	"labhook/engine"
)

// SetRole changes what a user may do. It refuses with an engine.Conflict to leave nobody who may do everything.
func (s *Store) SetRole(ctx context.Context, who engine.Actor, id engine.UserID, role engine.Role) (engine.User, error) {
	return s.ChangeUser(ctx, who, id, "user.role", func(u *engine.User) { u.Role = role })
}

// SetEnabled lets a user sign in, or not. Who may not is signed out at once. It refuses with an engine.Conflict to leave
// nobody who may do everything.
func (s *Store) SetEnabled(ctx context.Context, who engine.Actor, id engine.UserID, enabled bool) (engine.User, error) {
	action := "user.disable"
	if enabled {
		action = "user.enable"
	}
	return s.ChangeUser(ctx, who, id, action, func(u *engine.User) { u.Enabled = enabled })
}

// SignedIn notes that a user signed in, which is audited.
func (s *Store) SignedIn(ctx context.Context, who engine.Actor, id engine.UserID) error {
	err := s.writer.do(ctx, func(t *tx) error {
		u, err := get(t, scanUser, "SELECT "+userColumns+" FROM users WHERE id = ?", id)
		if err != nil {
			return err
		}
		if err := t.exec("UPDATE users SET signed_in_at = ? WHERE id = ?", t.now.UnixMilli(), id); err != nil {
			return err
		}
		return t.audit(who, "user.sign_in", u.Login, "")
	})
	if err != nil {
		return fmt.Errorf("note sign-in: %w", err)
	}
	return nil
}

// DeleteUser removes a user for good; the audit log keeps what they did. It refuses with an engine.Conflict while the
// user may sign in.
func (s *Store) DeleteUser(ctx context.Context, who engine.Actor, id engine.UserID) error {
	err := s.writer.do(ctx, func(t *tx) error {
		u, err := get(t, scanUser, "SELECT "+userColumns+" FROM users WHERE id = ?", id)
		if err != nil {
			return err
		}
		if u.Enabled {
			return engine.Conflict("Only a disabled user can be deleted; disable it first")
		}
		if err := t.exec("DELETE FROM users WHERE id = ?", id); err != nil {
			return err
		}
		return t.audit(who, "user.delete", u.Login, "")
	})
	if err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

// ChangeUser changes what alter changes of a user, but for id and login, under the name of an action. A change that
// changes nothing is not audited. It refuses with an engine.Conflict to leave nobody who may do everything, and whoever
// is disabled is signed out at once.
func (s *Store) ChangeUser(ctx context.Context, who engine.Actor, id engine.UserID, action string, alter func(*engine.User)) (engine.User, error) {
	changed, err := change(ctx, s.writer, func(t *tx) (engine.User, error) {
		before, err := get(t, scanUser, "SELECT "+userColumns+" FROM users WHERE id = ?", id)
		if err != nil {
			return before, err
		}
		u := before
		alter(&u)
		if u == before {
			return u, nil
		}
		if err := u.Validate(); err != nil {
			return u, err
		}
		if err := t.exec("UPDATE users SET name = ?, role = ?, enabled = ?, time_zone = ?, theme = ?, compact = ?, no_shortcuts = ? WHERE id = ?",
			u.Name, u.Role, u.Enabled, u.TimeZone, u.Theme, u.Compact, u.NoShortcuts, id); err != nil {
			return u, err
		}
		if err := keepAdmin(t, before); err != nil {
			return u, err
		}
		if !u.Enabled {
			if err := t.exec("DELETE FROM sessions WHERE user = ?", id); err != nil {
				return u, err
			}
		}
		return u, t.audit(who, action, u.Login, diffUsers(before, u).String())
	})
	if err != nil {
		return engine.User{}, fmt.Errorf("change user: %w", err)
	}
	return changed, nil
}

// keepAdmin refuses the change of a user that leaves no enabled administrator.
func keepAdmin(t *tx, before engine.User) error {
	if !before.Enabled || before.Role != engine.RoleAdmin {
		return nil
	}
	has, err := exists(t, "SELECT 1 FROM users WHERE enabled = 1 AND role = ?", engine.RoleAdmin)
	if err == nil && !has {
		err = engine.Conflict("This is the last enabled administrator; make another one first")
	}
	return err
}

func diffUsers(a, b engine.User) *diff {
	var d diff
	d.field("name", a.Name, b.Name)
	d.field("role", a.Role, b.Role)
	d.field("enabled", a.Enabled, b.Enabled)
	d.field("time_zone", a.TimeZone, b.TimeZone)
	d.field("theme", a.Theme, b.Theme)
	d.field("compact", a.Compact, b.Compact)
	d.field("no_shortcuts", a.NoShortcuts, b.NoShortcuts)
	return &d
}
