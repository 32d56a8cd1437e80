package db

import (
	"errors"
	"slices"
	"testing"
	"time"

	"labhook/engine"

	"github.com/google/go-cmp/cmp"
)

func TestUsersAndSessions(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	if has, err := s.HasUsers(t.Context()); has || err != nil {
		t.Fatalf("a new database has users: %t, %v", has, err)
	}
	u := engine.User{Login: "dana@example.com", Name: "Dana Ortiz", Role: engine.RoleAdmin, Enabled: true, TimeZone: "Europe/Berlin", Theme: "dark"}
	first, err := s.CreateFirstUser(t.Context(), u, "hash 1")
	must(t, err)
	if _, err := s.CreateFirstUser(t.Context(), engine.User{Login: "eve", Name: "Eve", Role: engine.RoleAdmin}, "x"); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("a second first user: %v, want ErrConflict", err)
	}
	u.Login = "DANA@example.com"
	_, err = s.CreateUser(t.Context(), dana, u, "x")
	checkInvalid(t, err, "login")
	must(t, s.SetPassword(t.Context(), dana, first.ID, "hash 2"))
	got, hash, err := s.UserByLogin(t.Context(), "Dana@Example.com")
	must(t, err)
	if diff := cmp.Diff(first, got); diff != "" || hash != "hash 2" {
		t.Errorf("password hash %q; user (-want +got):\n%s", hash, diff)
	}
	if has, err := s.HasUsers(t.Context()); !has || err != nil {
		t.Errorf("no users: %v", err)
	}
	for what, err := range map[string]error{
		"login":    func() error { _, _, err := s.UserByLogin(t.Context(), "nobody"); return err }(),
		"user":     func() error { _, err := s.User(t.Context(), 1); return err }(),
		"password": s.SetPassword(t.Context(), dana, 1, "x"),
		"setting":  func() error { _, err := s.Setting(t.Context(), "none"); return err }(),
		"session":  func() error { _, _, _, _, err := s.Session(t.Context(), "none", start); return err }(),
	} {
		if !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("no such %s: %v, want ErrNotFound", what, err)
		}
	}

	must(t, s.SaveSession(t.Context(), "token", first.ID, nil, start.Add(time.Hour)))
	must(t, s.SaveSession(t.Context(), "token", first.ID, []byte("data"), start.Add(2*time.Hour)))
	must(t, s.SaveSession(t.Context(), "other", first.ID, nil, start.Add(time.Hour)))
	id, data, expires, created, err := s.Session(t.Context(), "token", start.Add(90*time.Minute))
	must(t, err)
	if id != first.ID || string(data) != "data" || !expires.Equal(start.Add(2*time.Hour)) || created.IsZero() {
		t.Errorf("session of %s: %q until %s, made %s", id, data, expires, created)
	}
	if _, _, _, _, err := s.Session(t.Context(), "other", start.Add(time.Hour)); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("an expired session: %v", err)
	}
	must(t, s.PurgeSessions(t.Context(), start.Add(time.Hour)))
	left, err := list(t.Context(), s, number, "SELECT count(*) FROM sessions")
	must(t, err)
	if left[0] != 1 {
		t.Errorf("%d sessions are left, want 1", left[0])
	}
	must(t, s.DeleteSession(t.Context(), "token"))
	must(t, s.DeleteSession(t.Context(), "token"))

	value, err := s.SettingOrCreate(t.Context(), "token", func() string { return "made" })
	must(t, err)
	again, err := s.SettingOrCreate(t.Context(), "token", func() string { return "made again" })
	must(t, err)
	if value != "made" || again != "made" {
		t.Errorf("setting is %q, then %q", value, again)
	}
	must(t, s.SetSetting(t.Context(), "token", "set"))
	if value, err := s.Setting(t.Context(), "token"); value != "set" || err != nil {
		t.Errorf("setting is %q, %v", value, err)
	}
	must(t, s.Audit(t.Context(), dana, "user.sign_in", "dana", ""))
	entries, err := s.ListAudit(t.Context(), 100)
	must(t, err)
	var actions []string
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	if want := []string{"user.sign_in", "user.password", "user.create"}; !slices.Equal(actions, want) {
		t.Errorf("audit: %v, want %v", actions, want)
	}
}
