package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"labhook/db"
	"labhook/engine"
	"labhook/views"
)

const (
	// cookieLife is at least as long as any session lasts, which the server decides.
	cookieLife = engine.MaxSessionLife
	// slideAfter is how much of the idle time passes before a request writes the new end to disk.
	slideAfter = 5 * time.Minute
)

// Values of a session that stand in columns of their own and not among its data.
const (
	userValue    = "user"    // int64, an engine.UserID
	expiresValue = "expires" // time.Time
	createdValue = "created" // time.Time
)

// sessionStore keeps sessions in the database. The cookie holds a random token and nothing else, signed so that a
// made-up one costs no query; the table holds the token's hash, so that reading the table opens no session.
type sessionStore struct {
	db      *db.Store
	codec   securecookie.Codec
	name    string // of the cookie
	options sessions.Options
}

var _ sessions.Store = (*sessionStore)(nil)

func newSessionStore(ctx context.Context, store *db.Store, secure bool) (*sessionStore, error) {
	key, err := store.SettingOrCreate(ctx, "cookie_key", func() string { return rand.Text() + rand.Text() })
	if err != nil {
		return nil, fmt.Errorf("cookie key: %w", err)
	}
	codec := securecookie.New([]byte(key), nil)
	codec.SetSerializer(securecookie.NopEncoder{})
	codec.MaxAge(int(cookieLife / time.Second))
	st := &sessionStore{db: store, codec: codec, name: "labhook", options: sessions.Options{
		Path: "/", MaxAge: int(cookieLife / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure,
	}}
	if secure {
		st.name = "__Host-labhook" // browsers take it over TLS from this very host only
	}
	return st, nil
}

// Get returns the request's session, the same one each time.
func (st *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(st, name)
}

// New reads the session that the cookie names. A cookie that is missing, cannot be read or names no living session
// gives a new one: that person is not signed in, which is no error.
func (st *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(st, name)
	options := st.options
	options.MaxAge = int(st.db.Settings().SessionLife / time.Second)
	session.Options, session.IsNew = &options, true
	cookie, err := r.Cookie(name)
	if err != nil {
		return session, nil
	}
	var token []byte
	if st.codec.Decode(name, cookie.Value, &token) != nil {
		return session, nil
	}
	user, data, expires, created, err := st.db.Session(r.Context(), hashToken(string(token)), time.Now())
	if errors.Is(err, engine.ErrNotFound) {
		return session, nil
	} else if err != nil {
		return session, fmt.Errorf("read session: %w", err)
	}
	if err := (securecookie.GobEncoder{}).Deserialize(data, &session.Values); err != nil {
		return session, nil
	}
	session.ID, session.IsNew = string(token), false
	session.Values[userValue] = int64(user)
	session.Values[expiresValue], session.Values[createdValue] = expires, created
	return session, nil
}

// Save writes the session, and the cookie when the session has none yet. Options.MaxAge < 0 deletes both.
func (st *sessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return st.drop(r.Context(), session)
	}
	user, ok := session.Values[userValue].(int64)
	if !ok {
		return nil // nobody is signed in: there is nothing to keep
	}
	if session.ID == "" {
		session.ID = rand.Text()
		encoded, err := st.codec.Encode(session.Name(), []byte(session.ID))
		if err != nil {
			return fmt.Errorf("sign session cookie: %w", err)
		}
		http.SetCookie(w, sessions.NewCookie(session.Name(), encoded, session.Options))
	}
	now := time.Now()
	created, ok := session.Values[createdValue].(time.Time)
	if !ok {
		created = now
	}
	expires := sessionEnd(created, now, st.db.Settings())
	values := maps.Clone(session.Values)
	for _, column := range []string{userValue, expiresValue, createdValue} {
		delete(values, column)
	}
	data, err := (securecookie.GobEncoder{}).Serialize(values)
	if err != nil {
		return fmt.Errorf("write session values: %w", err)
	}
	if err := st.db.SaveSession(context.WithoutCancel(r.Context()), hashToken(session.ID), engine.UserID(user), data, expires); err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	session.Values[expiresValue], session.Values[createdValue] = expires, created
	return nil
}

// drop deletes the session's row and makes the session one that was never saved.
func (st *sessionStore) drop(ctx context.Context, session *sessions.Session) error {
	id := session.ID
	session.ID, session.IsNew = "", true
	clear(session.Values)
	if id == "" {
		return nil
	}
	if err := st.db.DeleteSession(context.WithoutCancel(ctx), hashToken(id)); err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// sessionEnd is when a session ends that is used now and no more.
func sessionEnd(created, now time.Time, site *engine.SiteSettings) time.Time {
	idle := now.Add(site.SessionIdle)
	if last := created.Add(site.SessionLife); last.Before(idle) {
		return last
	}
	return idle
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// withSession finds out who is asking, and moves the session's end.
func (s *Server) withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r)
		session, err := s.sessions.Get(r, s.sessions.name)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		v.session = session
		if id, ok := session.Values[userValue].(int64); ok {
			user, err := s.store.User(r.Context(), engine.UserID(id))
			switch {
			case err == nil && user.Enabled:
				v.user = &user
			case err != nil && !errors.Is(err, engine.ErrNotFound):
				s.fail(w, r, err)
				return
			}
		}
		// A page that is left open asks again and again: that is nobody's doing, and moves nothing.
		if v.user != nil && !isHTMX(r) && s.isToSlide(session) {
			if err := session.Save(r, w); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// isToSlide reports whether this request moves the session's end far enough to be written.
func (s *Server) isToSlide(session *sessions.Session) bool {
	end, hasEnd := session.Values[expiresValue].(time.Time)
	created, hasStart := session.Values[createdValue].(time.Time)
	return hasEnd && hasStart && sessionEnd(created, time.Now(), s.store.Settings()).Sub(end) >= slideAfter
}

// signIn starts a new session for the user, and notes that it began.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, user *engine.User) error {
	if err := s.startSession(w, r, user); err != nil {
		return err
	}
	return s.store.SignedIn(r.Context(), s.actor(r), user.ID)
}

// startSession starts a new session for the user; one that the browser had before ends.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request, user *engine.User) error {
	v := visitOf(r)
	if err := s.sessions.drop(r.Context(), v.session); err != nil {
		return err
	}
	v.session.Values[userValue] = int64(user.ID)
	v.user = user
	return v.session.Save(r, w)
}

// need lets only people of that role, or a higher one, through to h.
func (s *Server) need(role engine.Role, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch v := visitOf(r); {
		case v.user == nil:
			s.signInFirst(w, r)
		case !v.user.Role.Allows(role):
			s.explain(w, r, http.StatusForbidden, views.NeedsRole(v.user.Role, role))
		default:
			h(w, r)
		}
	}
}

// signInFirst leads a person who is not signed in to where that is done, and back afterwards.
func (s *Server) signInFirst(w http.ResponseWriter, r *http.Request) {
	if !s.hasUsers(w, r) {
		return
	}
	switch {
	case isHTMX(r):
		w.Header().Set("HX-Redirect", views.LoginURL(pageOfHTMX(r)))
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		http.Redirect(w, r, views.LoginURL(r.URL.RequestURI()), http.StatusSeeOther)
	default:
		// What was typed is shown once more, because it was not saved.
		p := s.page(r, "You are signed out", "")
		w.Header().Set("Cache-Control", "no-store")
		s.render(w, r, http.StatusUnauthorized, views.ExpiredPage(p, s.formPage(r), keptValues(r.PostForm)))
	}
}

// formPage is the path of the page with the form that was posted, "" when there is none at the same path.
func (s *Server) formPage(r *http.Request) string {
	_, path, _ := strings.Cut(r.Pattern, " ")
	if slices.ContainsFunc(s.routes(), func(other route) bool { return other.pattern == http.MethodGet+" "+path }) {
		return safeNext(r.URL.RequestURI())
	}
	return ""
}

// pageOfHTMX is the path of the page from which htmx asks.
func pageOfHTMX(r *http.Request) string {
	u, err := url.Parse(r.Header.Get("HX-Current-URL"))
	if err != nil {
		return ""
	}
	return safeNext(u.RequestURI())
}

// hasUsers reports whether anybody can sign in yet. If not, it leads to the first-run page.
func (s *Server) hasUsers(w http.ResponseWriter, r *http.Request) bool {
	ok, err := s.store.HasUsers(r.Context())
	switch {
	case err != nil:
		s.fail(w, r, err)
		return false
	case ok:
		return true
	case isHTMX(r):
		w.Header().Set("HX-Redirect", views.SetupURL(""))
		w.WriteHeader(http.StatusUnauthorized)
	default:
		http.Redirect(w, r, views.SetupURL(""), http.StatusSeeOther)
	}
	return false
}

// actor is who the audit log names for what this request changes.
func (s *Server) actor(r *http.Request) engine.Actor {
	v := visitOf(r)
	who := engine.Actor{IP: v.ip}
	if v.user != nil {
		who.Name = v.user.Name
	}
	return who
}
