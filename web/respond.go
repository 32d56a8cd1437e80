package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"labhook/engine"
	"labhook/views"
)

// zoneCookie is where the script leaves the browser's time zone.
const zoneCookie = "labhook_zone"

// page returns what the frame of a page needs. It takes the flash message, which is shown once.
func (s *Server) page(r *http.Request, title, nav string, crumbs ...views.Crumb) views.Page {
	v := visitOf(r)
	p := views.Page{
		Title: title, Nav: nav, Site: s.store.Settings().Name, User: v.user, Crumbs: crumbs,
		Zone: zoneOf(r, v.user), Now: time.Now(), Catalog: s.store.Directory().Catalog(), RequestID: v.requestID,
	}
	if v.session != nil && !isHTMX(r) {
		if list := v.session.Flashes(); len(list) > 0 {
			p.Flash, _ = list[0].(string)
			v.unsaved = true
		}
	}
	return p
}

// zoneOf returns the zone of the account, or that of the browser, or of the site.
func zoneOf(r *http.Request, user *engine.User) *time.Location {
	name := ""
	if user != nil {
		name = user.TimeZone
	}
	if c, err := r.Cookie(zoneCookie); name == "" && err == nil {
		name, _ = url.QueryUnescape(c.Value)
	}
	if name == "" {
		name = visitOf(r).siteZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return time.UTC
	}
	return zone
}

// isHTMX reports whether htmx asks for a part of a page. When it goes back in the history it asks for the whole of it.
func isHTMX(r *http.Request) bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-History-Restore-Request") != "true"
}

// render answers with a page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var html bytes.Buffer
	if err := c.Render(r.Context(), &html); err != nil {
		s.fail(w, r, err)
		return
	}
	s.write(w, r, status, html.Bytes())
}

// live answers with a page that has a views.Live section of that name. A poll for the section gets just the section,
// or 204 when it shows the same as what the browser has.
func (s *Server) live(w http.ResponseWriter, r *http.Request, c templ.Component, fragment string) {
	if !isHTMX(r) || !strings.HasSuffix(r.Header.Get("HX-Target"), "#"+fragment) {
		s.render(w, r, http.StatusOK, c)
		return
	}
	var html bytes.Buffer
	if err := templ.RenderFragments(r.Context(), &html, c, fragment); err != nil {
		s.fail(w, r, err)
		return
	}
	if views.Unchanged(html.Bytes(), strings.Trim(r.Header.Get("If-None-Match"), `"`)) {
		setTiming(w.Header(), r)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.write(w, r, http.StatusOK, html.Bytes())
}

// write sends HTML, with the session before it.
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, html []byte) {
	if v := visitOf(r); v.unsaved {
		v.unsaved = false
		if err := v.session.Save(r, w); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "HX-Request")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	html = compressed(h, r, html)
	setTiming(h, r)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(html) // the browser went away: nothing to be done
	}
}

// setTiming tells how long the answer took to make, which the browser shows beside its own figures.
func setTiming(h http.Header, r *http.Request) {
	took := time.Since(visitOf(r).began)
	h.Set("Server-Timing", fmt.Sprintf("total;dur=%.1f", float64(took.Microseconds())/1000))
}

// redirect sends the browser on with 303 after a change, with one sentence for the next page; flash may be empty.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, to, flash string) {
	v := visitOf(r)
	if flash != "" && v.session != nil {
		v.session.AddFlash(flash)
		if err := v.session.Save(r, w); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// fail answers with the page for an error. Only what nobody expects is logged.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, engine.ErrNotFound):
		s.errorPage(w, r, http.StatusNotFound)
	case errors.Is(err, engine.ErrConflict):
		s.errorPage(w, r, http.StatusConflict)
	case errors.Is(err, engine.ErrStopping), errors.Is(err, engine.ErrUnwritable):
		s.errorPage(w, r, http.StatusServiceUnavailable)
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		w.WriteHeader(http.StatusServiceUnavailable) // nobody reads it
	default:
		s.log.Error("request failed", "request", visitOf(r).requestID, "method", r.Method, "path", r.URL.Path, "error", err)
		s.errorPage(w, r, http.StatusInternalServerError)
	}
}

// failOrGone is fail for what an id names, which retention may have deleted; 0: nothing is known of when it was made.
func (s *Server) failOrGone(w http.ResponseWriter, r *http.Request, what string, id int64, err error) {
	if !errors.Is(err, engine.ErrNotFound) {
		s.fail(w, r, err)
		return
	}
	if at := s.store.Retention().GoneAt(id); id != 0 && !at.IsZero() {
		s.gone(w, r, what, at)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusNotFound, views.MissingPage(s.page(r, http.StatusText(http.StatusNotFound), ""), what, s.store.Settings().KeepEvents))
}

// gone says that retention deleted something at a time.
func (s *Server) gone(w http.ResponseWriter, r *http.Request, what string, at time.Time) {
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusGone, views.GonePage(s.page(r, "Gone by retention", ""), what, at))
}

// errorPage answers with the page for a status.
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, status int) {
	s.explain(w, r, status, "")
}

// explain answers with the page for a status, which says why; empty: as the status says. The page is one that cannot fail.
func (s *Server) explain(w http.ResponseWriter, r *http.Request, status int, why string) {
	w.Header().Set("Cache-Control", "no-store")
	p := s.page(r, http.StatusText(status), "")
	visitOf(r).unsaved = false // the flash stays for the next page
	var html bytes.Buffer
	if err := views.ErrorPage(p, status, why).Render(context.WithoutCancel(r.Context()), &html); err != nil {
		panic(err) // a buffer takes everything
	}
	s.write(w, r, status, html.Bytes())
}

// baseURL is the address that people use, without a slash at the end.
func (s *Server) baseURL(r *http.Request) string {
	if s.publicURL != "" {
		return s.publicURL
	}
	if r.TLS != nil || s.secure {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
