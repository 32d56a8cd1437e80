package db

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
)

func TestFindAudit(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	for i := range 7 {
		who := engine.Actor{Name: []string{"Dana", "Ben"}[i%2], IP: "192.0.2.1"}
		must(t, s.Audit(t.Context(), who, []string{"webhook.update", "webhook.test", "user.sign_in"}[i%3], fmt.Sprint("wh_", i/2), fmt.Sprint("change ", i)))
	}
	find := func(f AuditFilter) (details []string, newer, older bool) {
		t.Helper()
		page, err := s.FindAudit(t.Context(), f)
		must(t, err)
		for _, e := range page.Rows {
			details = append(details, e.Detail[len("change "):])
		}
		return details, page.Newer, page.Older
	}
	future := time.Now().Add(time.Hour)
	for name, tt := range map[string]struct {
		filter AuditFilter
		want   []string
	}{
		"all":         {AuditFilter{}, []string{"6", "5", "4", "3", "2", "1", "0"}},
		"who":         {AuditFilter{Who: "Ben"}, []string{"5", "3", "1"}},
		"action":      {AuditFilter{Action: "webhook.test"}, []string{"4", "1"}},
		"object":      {AuditFilter{Object: "wh_1"}, []string{"3", "2"}},
		"two of them": {AuditFilter{Object: "wh_1", Who: "Dana"}, []string{"2"}},
		"since":       {AuditFilter{Since: future}, nil},
		"until":       {AuditFilter{Until: future, Who: "Ben"}, []string{"5", "3", "1"}},
		"until then":  {AuditFilter{Until: future.Add(-2 * time.Hour)}, nil},
		"nobody":      {AuditFilter{Who: "ben"}, nil},
	} {
		if got, _, _ := find(tt.filter); !cmp.Equal(tt.want, got) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}

	page, err := s.FindAudit(t.Context(), AuditFilter{Who: "Dana", Limit: 2})
	must(t, err)
	next, newer, older := find(AuditFilter{Who: "Dana", Limit: 2, Before: page.Rows[1].ID})
	if !page.Older || page.Newer || !newer || older || !cmp.Equal(next, []string{"2", "0"}) {
		t.Errorf("second page %v, newer %t, older %t", next, newer, older)
	}
	back, newer, older := find(AuditFilter{Who: "Dana", Limit: 2, After: page.Rows[1].ID - 1})
	if newer || !older || !cmp.Equal(back, []string{"6", "4"}) {
		t.Errorf("back to %v, newer %t, older %t", back, newer, older)
	}
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	u, err := s.CreateUser(t.Context(), dana, engine.User{Login: "ben", Name: "Ben", Role: engine.RoleAdmin, Enabled: true}, "hash")
	must(t, err)
	token := func(c string) string { return fmt.Sprintf("%064s", c) }
	must(t, s.SaveSession(t.Context(), "session", u.ID, nil, start.Add(time.Hour)))
	must(t, s.Invite(t.Context(), dana, u.ID, "nobody's", token("a"), time.Now().Add(-time.Second)))
	if _, err := s.Invited(t.Context(), token("a"), time.Now()); err == nil {
		t.Error("an expired link works")
	}
	if _, _, _, _, err := s.Session(t.Context(), "session", start); err == nil {
		t.Error("the session lives on")
	}
	must(t, s.Invite(t.Context(), dana, u.ID, "nobody's", token("b"), time.Now().Add(time.Hour)))
	must(t, s.Invite(t.Context(), dana, u.ID, "nobody's", token("c"), time.Now().Add(time.Hour)))
	if _, err := s.AcceptInvitation(t.Context(), "", token("b"), "mine"); err == nil {
		t.Error("an earlier link works")
	}
	if hash, err := s.PasswordHash(t.Context(), u.ID); hash != "nobody's" || err != nil {
		t.Errorf("hash %q, %v", hash, err)
	}
	got, err := s.AcceptInvitation(t.Context(), "192.0.2.1", token("c"), "mine")
	must(t, err)
	if hash, _ := s.PasswordHash(t.Context(), u.ID); got.ID != u.ID || hash != "mine" {
		t.Errorf("%s has the hash %q", got.Login, hash)
	}
	if _, err := s.AcceptInvitation(t.Context(), "", token("c"), "again"); err == nil {
		t.Error("the link works twice")
	}
	must(t, s.SignedIn(t.Context(), dana, u.ID))
	if got, _ := s.User(t.Context(), u.ID); got.SignedInAt.IsZero() {
		t.Error("the sign-in was not noted")
	}
	if err := s.DeleteUser(t.Context(), dana, u.ID); err == nil {
		t.Error("an enabled user was deleted")
	}
}
