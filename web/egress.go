package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"labhook/engine"
	"labhook/engine/egress"
	"labhook/views"
)

// egressCrumbs lead to the page of the egress addresses; the page itself is appended.
func egressCrumbs(more ...views.Crumb) []views.Crumb {
	return append([]views.Crumb{{Label: "Admin", URL: views.AdminURL()}, {Label: "Egress IPs", URL: views.EgressURL()}}, more...)
}

// handleEgress shows the addresses that receivers must allow.
func (s *Server) handleEgress(w http.ResponseWriter, r *http.Request) {
	d := views.EgressDetail{
		Page:  s.page(r, "Egress IPs and firewall", "admin", views.Crumb{Label: "Admin", URL: views.AdminURL()}, views.Crumb{Label: "Egress IPs"}),
		Route: s.egressRoute(),
	}
	var err error
	if d.List, err = s.store.Egress(r.Context()); err == nil {
		d.Seen, err = s.store.EgressSeen(r.Context())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, views.EgressPage(d))
}

// egressRoute is what this host says about the way on which requests leave. Nothing is sent.
func (s *Server) egressRoute() views.EgressRoute {
	set := s.guard.Settings()
	if set.Proxy != nil {
		return views.EgressRoute{Proxy: set.Proxy.Scheme + "://" + set.Proxy.Host}
	}
	var route views.EgressRoute
	for _, addr := range s.guard.Sources() {
		route.Sources = append(route.Sources, views.EgressSource{Address: addr, Set: len(set.Sources) > 0, Public: egress.Public(addr)})
	}
	return route
}

// egressWarning says what is known to be wrong with the declared addresses, for Site Administration.
func (s *Server) egressWarning(ctx context.Context) (string, error) {
	list, err := s.store.Egress(ctx)
	if err != nil || len(list.Entries) == 0 {
		return "", err
	}
	seen, err := s.store.EgressSeen(ctx)
	return views.EgressWarning(&list, s.egressRoute(), seen), err
}

// handleEgressEdit shows the form that declares the addresses. The query may name one to be added.
func (s *Server) handleEgressEdit(w http.ResponseWriter, r *http.Request) {
	list, err := s.store.Egress(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	f := views.EgressForm{
		List: list, Addresses: engine.FormatEgressEntries(list.Entries), ValidUntil: formTime(list.ValidUntil, zoneOf(r, visitOf(r).user)),
	}
	if addr, err := netip.ParseAddr(r.FormValue("add")); err == nil && !list.Contains(addr) {
		f.Addresses = strings.TrimSpace(f.Addresses + "\n" + addr.String())
	}
	s.egressForm(w, r, http.StatusOK, f, nil)
}

// handleEgressSave declares the addresses.
func (s *Server) handleEgressSave(w http.ResponseWriter, r *http.Request) {
	stored, err := s.store.Egress(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	f, problems := s.readEgressForm(r, stored)
	if len(problems) == 0 {
		_, err := s.store.SetEgress(r.Context(), s.actor(r), f.List)
		switch {
		case err == nil:
			s.redirect(w, r, views.EgressURL(), "The egress addresses were saved.")
			return
		case errors.Is(err, engine.ErrConflict):
			s.egressConflict(w, r, f)
			return
		}
		if problems = problemsOf(err); problems == nil {
			s.fail(w, r, err)
			return
		}
	}
	s.egressForm(w, r, http.StatusUnprocessableEntity, f, problems)
}

// readEgressForm reads what was posted, and every problem of it.
func (s *Server) readEgressForm(r *http.Request, stored engine.EgressList) (views.EgressForm, []engine.Invalid) {
	form := r.PostForm
	list := engine.EgressList{Public: form.Has("public"), EchoURL: formText(form, "echo_url"), ValidUntil: stored.ValidUntil}
	list.Version, _ = strconv.Atoi(form.Get("version")) // anything else is a conflict
	f := views.EgressForm{Addresses: formText(form, "addresses")}
	var problems, badTime []engine.Invalid
	list.Entries, problems = engine.ParseEgressEntries(f.Addresses)
	wrongLines := len(problems) > 0
	list.Normalize()
	for _, one := range problemsOf(list.Validate()) {
		if one.Field != "public" || !wrongLines { // the addresses are there, but cannot be read
			problems = append(problems, one)
		}
	}
	f.ValidUntil, badTime = readTime(form, "valid_until", &list.ValidUntil, zoneOf(r, visitOf(r).user))
	f.List = list
	problems = append(problems, badTime...)
	return f, append(problems, s.refusedEcho(r.Context(), list.EchoURL, problems)...)
}

// refusedEcho asks the egress guard about the echo URL, when nothing else is wrong with it.
func (s *Server) refusedEcho(ctx context.Context, raw string, problems []engine.Invalid) []engine.Invalid {
	u, err := url.Parse(raw)
	if err != nil || raw == "" || firstProblem(problems, "echo_url") != "" {
		return nil
	}
	if _, err := s.guard.CheckURL(ctx, u); err != nil {
		return []engine.Invalid{{Field: "echo_url", Message: upperFirst(err.Error())}}
	}
	return nil
}

// egressConflict shows the form again, with what somebody else has stored meanwhile. Posting it again replaces that.
func (s *Server) egressConflict(w http.ResponseWriter, r *http.Request, f views.EgressForm) {
	stored, err := s.store.Egress(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	f.Stored, f.List.Version = &stored, stored.Version
	w.Header().Set("Cache-Control", "no-store")
	s.egressForm(w, r, http.StatusConflict, f, []engine.Invalid{{Message: "Somebody changed the list meanwhile; nothing was saved yet"}})
}

func (s *Server) egressForm(w http.ResponseWriter, r *http.Request, status int, f views.EgressForm, problems []engine.Invalid) {
	f.Page = s.page(r, "Declare egress addresses", "admin", egressCrumbs(views.Crumb{Label: "Edit"})...)
	f.Page.Problems = problems
	s.render(w, r, status, views.EgressEditPage(f))
}
