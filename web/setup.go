package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"labhook/db"
	"labhook/engine"
	"labhook/views"
)

// setupToken is the setting that holds the token of the first run. It proves control of the machine.
const setupToken = "setup_token"

// SetupURL returns the link that creates the first user, and true, while there is none. It is the same each time. base is
// the address of the server without a slash at the end.
func SetupURL(ctx context.Context, store *db.Store, base string) (string, bool, error) {
	has, err := store.HasUsers(ctx)
	if err != nil || has {
		return "", false, err
	}
	token, err := tokenOfSetup(ctx, store)
	if err != nil {
		return "", false, err
	}
	return base + views.SetupURL(token), true, nil
}

func tokenOfSetup(ctx context.Context, store *db.Store) (string, error) {
	return store.SettingOrCreate(ctx, setupToken, func() string { return strings.ToLower(rand.Text()) })
}

// handleSetup shows the form of the first run. Once there is a user the page does not exist.
func (s *Server) handleSetup(w http.ResponseWriter, r *http.Request) {
	if !s.isFirstRun(w, r) {
		return
	}
	form := views.SetupForm{
		Token: strings.TrimSpace(r.FormValue("token")), PublicURL: cmp.Or(s.store.Settings().PublicURL, s.baseURL(r)), URLFixed: s.urlFixedBy(),
	}
	if c, err := r.Cookie(zoneCookie); err == nil {
		form.User.TimeZone, _ = url.QueryUnescape(c.Value)
	}
	s.render(w, r, http.StatusOK, views.SetupPage(s.page(r, "Set up Labhook", ""), form))
}

// handleSetupSave creates the first user, who is an administrator, and signs them in.
func (s *Server) handleSetupSave(w http.ResponseWriter, r *http.Request) {
	if !s.isFirstRun(w, r) {
		return
	}
	form := views.SetupForm{
		Token: strings.TrimSpace(r.PostFormValue("token")), PublicURL: strings.TrimSpace(r.PostFormValue(publicURL)), URLFixed: s.urlFixedBy(),
		User: engine.User{
			Login: strings.TrimSpace(r.PostFormValue("login")), Name: strings.TrimSpace(r.PostFormValue("name")),
			Role: engine.RoleAdmin, Enabled: true, TimeZone: strings.TrimSpace(r.PostFormValue("time_zone")),
		},
	}
	password := r.PostFormValue("password")
	problems, err := s.setupProblems(r.Context(), form, password)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(problems) > 0 {
		p := s.page(r, "Set up Labhook", "")
		p.Problems = problems
		s.render(w, r, http.StatusUnprocessableEntity, views.SetupPage(p, form))
		return
	}
	hash, err := HashPassword(password)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	user, err := s.store.CreateFirstUser(r.Context(), form.User, hash)
	if err == nil {
		err = s.savePublicURL(r, user.Name, form.PublicURL)
	}
	if err == nil {
		err = s.signIn(w, r, &user)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.AdminURL(), "Your account was created, and you are signed in.")
}

// publicURL is the setting of the address that people use.
const publicURL = "public_url"

// urlFixedBy says what the server was started with that sets the address, empty when nothing does.
func (s *Server) urlFixedBy() string {
	if given, ok := s.store.Given()[publicURL]; ok {
		return s.givenBy(publicURL, given.Source)
	}
	return ""
}

// savePublicURL stores the address that the first user entered, beside the other settings of its page.
func (s *Server) savePublicURL(r *http.Request, who, address string) error {
	stored, err := s.store.StoredSettings(r.Context())
	if err != nil {
		return err
	}
	site, values := stored.Site(nil), map[string]string{}
	for _, one := range engine.GeneralSettings.Settings() {
		values[one.Name] = one.Text(&site)
	}
	values[publicURL] = address
	actor := engine.Actor{Name: who, IP: visitOf(r).ip}
	return s.store.ChangeSettings(r.Context(), actor, engine.GeneralSettings, stored.Versions[engine.GeneralSettings], values)
}

// setupProblems returns everything that is wrong with the form.
func (s *Server) setupProblems(ctx context.Context, form views.SetupForm, password string) ([]engine.Invalid, error) {
	token, err := tokenOfSetup(ctx, s.store)
	if err != nil {
		return nil, err
	}
	var problems []engine.Invalid
	if subtle.ConstantTimeCompare([]byte(form.Token), []byte(token)) != 1 {
		problems = append(problems, engine.Invalid{Field: "token", Message: "This is not the setup token; it is the end of the link that the server printed when it started, and that labhook setup-link prints again"})
	}
	if _, problem := engine.CheckPublicURL(form.PublicURL); problem != "" && form.URLFixed == "" {
		problems = append(problems, engine.Invalid{Field: publicURL, Message: problem})
	}
	for _, err := range []error{form.User.Validate(), engine.ValidatePassword(password)} {
		if bad, ok := errors.AsType[engine.InvalidError](err); ok {
			problems = append(problems, bad...)
		}
	}
	return problems, nil
}

// isFirstRun reports whether there is no user yet; if there is one it answers 404.
func (s *Server) isFirstRun(w http.ResponseWriter, r *http.Request) bool {
	has, err := s.store.HasUsers(r.Context())
	if err == nil && has {
		err = engine.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return false
	}
	return true
}
