package db

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

func TestChangeUser(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	admin, err := s.CreateUser(t.Context(), dana, engine.User{Login: "dana", Name: "Dana", Role: engine.RoleAdmin, Enabled: true}, "hash")
	must(t, err)
	other, err := s.CreateUser(t.Context(), dana, engine.User{Login: "Ben", Name: "Ben", Role: engine.RoleViewer, Enabled: true}, "hash")
	must(t, err)
	signedIn := func(id engine.UserID) bool {
		_, _, _, _, err := s.Session(t.Context(), id.String(), start)
		return err == nil
	}
	for _, u := range []engine.User{admin, other} {
		must(t, s.SaveSession(t.Context(), u.ID.String(), u.ID, nil, start.Add(time.Hour)))
	}

	for what, change := range map[string]func() (engine.User, error){
		"demoted":  func() (engine.User, error) { return s.SetRole(t.Context(), dana, admin.ID, engine.RoleViewer) },
		"disabled": func() (engine.User, error) { return s.SetEnabled(t.Context(), dana, admin.ID, false) },
	} {
		if _, err := change(); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("the last administrator was %s: %v", what, err)
		}
	}
	if _, err := s.SetRole(t.Context(), dana, other.ID, "king"); err == nil {
		t.Error("a role that does not exist was taken")
	}
	if _, err := s.SetRole(t.Context(), dana, 1, engine.RoleViewer); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("nobody's role: %v", err)
	}
	if !signedIn(admin.ID) || !signedIn(other.ID) {
		t.Error("a refused change signed somebody out")
	}

	for _, enabled := range []bool{false, true, true} { // the last one changes nothing
		u, err := s.SetEnabled(t.Context(), dana, other.ID, enabled)
		must(t, err)
		if u.Enabled != enabled || signedIn(other.ID) {
			t.Errorf("enabled %t: %+v, signed in: %t", enabled, u, signedIn(other.ID))
		}
	}
	_, err = s.SetRole(t.Context(), dana, other.ID, engine.RoleAdmin)
	must(t, err)
	_, err = s.SetEnabled(t.Context(), dana, admin.ID, false)
	must(t, err)
	must(t, s.SaveSession(t.Context(), other.ID.String(), other.ID, nil, start.Add(time.Hour)))
	must(t, s.SetPassword(t.Context(), dana, other.ID, "hash 2"))
	if signedIn(other.ID) {
		t.Error("the old password's session lives on")
	}
	users, err := s.Users(t.Context())
	must(t, err)
	if len(users) != 2 || users[0].Login != "Ben" || users[0].Role != engine.RoleAdmin || users[1].Enabled {
		t.Errorf("users %+v", users)
	}
	log, err := s.ListAudit(t.Context(), 20)
	must(t, err)
	var actions []string
	for _, e := range log {
		actions = append(actions, e.Action)
	}
	want := []string{"user.password", "user.disable", "user.role", "user.enable", "user.disable", "user.create", "user.create"}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Errorf("audit log, newest first (-want +got):\n%s", diff)
	}
}
