package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"labhook/engine"
	"labhook/views"
)

// maxHits is how many hits of a kind Find shows.
const maxHits = 10

// handleKeysHelp shows the map of the keyboard.
func (s *Server) handleKeysHelp(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, views.KeysHelpPage(s.page(r, "Keyboard shortcuts", "")))
}

// handleFind leads to what a text names, or shows what it may name. It reads through indexes and from memory only.
func (s *Server) handleFind(w http.ResponseWriter, r *http.Request) {
	text := askedText(r.FormValue("q"))
	f := views.FindResults{Text: text, Kept: s.store.Settings().KeepEvents}
	if text != "" {
		to, err := s.findExact(r.Context(), text, visitOf(r).user.Role)
		if err == nil && to == "" {
			f.Groups, err = s.findParts(r.Context(), text)
			to = onlyHit(f.Groups, text)
		}
		if err == nil && to == "" {
			var sent []views.FindGroup
			sent, err = s.findSent(r.Context(), f.Groups, text)
			f.Groups = append(f.Groups, sent...)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if to != "" {
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
	}
	title := "Find"
	if text != "" {
		title += ": " + text
	}
	f.Page = s.page(r, title, "")
	f.Page.Find = text
	s.render(w, r, http.StatusOK, views.FindPage(f))
}

// findExact returns the page of what has that id, "" when nothing has.
func (s *Server) findExact(ctx context.Context, text string, role engine.Role) (to string, err error) {
	switch prefix, _, _ := strings.Cut(text, "_"); prefix {
	case "dlv":
		if id, wrong := engine.ParseID[engine.DeliveryID](text); wrong == nil {
			_, err = s.store.Delivery(ctx, id)
			to = views.DeliveryURL(id)
		}
	case "con":
		if id, wrong := engine.ParseID[engine.ConsumerID](text); wrong == nil { // deleted ones, too: what was sent names them
			_, err = s.store.Consumer(ctx, id)
			to = views.ConsumerURL(id)
		}
	case "wh":
		if id, wrong := engine.ParseID[engine.WebhookID](text); wrong == nil {
			_, err = s.store.Webhook(ctx, id)
			to = views.WebhookURL(id)
		}
	case "key":
		if id, wrong := engine.ParseID[engine.KeyID](text); wrong == nil {
			to, err = s.findKey(ctx, id, role)
		}
	case "usr":
		if id, wrong := engine.ParseID[engine.UserID](text); wrong == nil && role.Allows(engine.RoleAdmin) {
			_, err = s.store.User(ctx, id)
			to = views.UserURL(id)
		}
	}
	if errors.Is(err, engine.ErrNotFound) {
		to, err = "", nil
	}
	if to != "" || err != nil {
		return to, err
	}
	if c := s.store.Directory().ConsumerNamed(text); c != nil {
		return views.ConsumerURL(c.ID), nil
	}
	e, err := s.store.EventNamed(ctx, text, 0)
	if err == nil {
		return views.EventURL(e.ID), nil
	}
	if !errors.Is(err, engine.ErrNotFound) {
		return "", err
	}
	return "", nil
}

// findKey returns where a key is listed, for those who may see it.
func (s *Server) findKey(ctx context.Context, id engine.KeyID, role engine.Role) (string, error) {
	k, err := s.store.Key(ctx, id)
	if err != nil || k.ConsumerID == 0 && !role.Allows(engine.RoleAdmin) {
		return "", err
	}
	if !role.Allows(engine.RoleAdmin) {
		return views.ConsumerURL(k.ConsumerID), nil
	}
	return views.KeysURL(k.ConsumerID), nil
}

// findParts returns what a text is a part of.
func (s *Server) findParts(ctx context.Context, text string) ([]views.FindGroup, error) {
	labs, err := s.store.SubjectsFrom(ctx, text, maxHits+1)
	if err != nil {
		return nil, err
	}
	groups := []views.FindGroup{{Name: labGroup, More: views.Link{Text: "Search lab instances", URL: views.LabInstancesURL("q", text)}}}
	for _, subject := range labs {
		groups[0].Hits = append(groups[0].Hits, views.FindHit{Link: views.Link{Text: subject, URL: views.LabInstanceURL(subject)}})
	}
	consumers := views.FindGroup{Name: "API Consumers", More: views.Link{Text: "Find API Consumers", URL: views.ConsumersURL("q", text)}}
	webhooks := views.FindGroup{Name: "Webhooks", More: views.Link{Text: "Find API Consumers with such webhooks", URL: views.ConsumersURL("q", text)}}
	dir := s.store.Directory()
	for _, c := range dir.Consumers() {
		if holds(c.Name, text) || holds(c.ExternalID, text) {
			consumers.Hits = append(consumers.Hits, views.FindHit{Link: views.Link{Text: c.Name, URL: views.ConsumerURL(c.ID)}, About: c.ExternalID})
		}
		for _, w := range dir.Webhooks(c.ID) {
			if holds(w.Name, text) || holds(hostOf(w.URL), text) {
				webhooks.Hits = append(webhooks.Hits, views.FindHit{Link: views.Link{Text: w.Name, URL: views.WebhookURL(w.ID)}, About: c.Name + " · " + hostOf(w.URL)})
			}
		}
	}
	types := views.FindGroup{Name: "Event types", More: views.Link{Text: "Event catalog", URL: views.EventCatalogURL()}}
	for _, t := range dir.Catalog().All() {
		if holds(t.Label, text) || holds(t.Code, text) {
			types.Hits = append(types.Hits, views.FindHit{Link: views.Link{Text: t.Label, URL: views.EventTypeURL(t.Code)}, About: t.Code})
		}
	}
	var found []views.FindGroup
	for _, g := range append(groups, consumers, webhooks, types) {
		if len(g.Hits) <= maxHits {
			g.More = views.Link{}
		}
		g.Hits = g.Hits[:min(len(g.Hits), maxHits)]
		if len(g.Hits) > 0 {
			found = append(found, g)
		}
	}
	return found, nil
}

// labGroup is the name of the group of lab instances.
const labGroup = "Lab instances"

// findSent returns the events to which several senders gave that id, and the newest deliveries of those and of the lab
// instances that were found.
func (s *Server) findSent(ctx context.Context, found []views.FindGroup, text string) (groups []views.FindGroup, err error) {
	deliveries := views.FindGroup{Name: "Deliveries"}
	var rows []engine.DeliveryRow
	add := func(f engine.DeliveryFilter) {
		if err != nil {
			return
		}
		var page engine.Page[engine.DeliveryRow]
		f.Limit = maxHits + 1
		page, err = s.store.ListDeliveries(ctx, f)
		rows = append(rows, page.Rows...)
	}
	same, err := s.store.EventsOfSenders(ctx, text, maxHits)
	events, dir := views.FindGroup{Name: "Events"}, s.store.Directory()
	for _, e := range same {
		about := dir.Catalog().Label(e.Type) + " · " + e.ID.String()
		if e.ConsumerID != 0 {
			about += " · " + consumerName(dir, e.ConsumerID)
		}
		events.Hits = append(events.Hits, views.FindHit{Link: views.Link{Text: e.SenderID, URL: views.EventURL(e.ID)}, About: about})
		add(engine.DeliveryFilter{EventID: e.ID})
	}
	for _, g := range found {
		if g.Name != labGroup {
			continue
		}
		deliveries.More = views.Link{Text: "Search lab instances", URL: views.LabInstancesURL("q", text)}
		for _, hit := range g.Hits {
			if hit.Text == text {
				deliveries.More = views.Link{Text: "All deliveries of lab instance " + text, URL: views.DeliveriesURL("q", text)}
			}
			add(engine.DeliveryFilter{Subject: hit.Text})
		}
	}
	s.newestHits(&deliveries, rows)
	for _, g := range []views.FindGroup{events, deliveries} {
		if len(g.Hits) > 0 {
			groups = append(groups, g)
		}
	}
	return groups, err
}

// newestHits puts the newest of deliveries into a group, each once. It keeps More only where there are others.
func (s *Server) newestHits(deliveries *views.FindGroup, rows []engine.DeliveryRow) {
	catalog := s.store.Directory().Catalog()
	slices.SortFunc(rows, func(a, b engine.DeliveryRow) int { return cmp.Compare(b.ID, a.ID) })
	rows = slices.CompactFunc(rows, func(a, b engine.DeliveryRow) bool { return a.ID == b.ID })
	if len(rows) <= maxHits {
		deliveries.More = views.Link{}
	}
	for _, d := range rows[:min(len(rows), maxHits)] {
		about := views.BadgeWord(d.State) + " · " + catalog.Label(d.EventType) + " · " + d.WebhookName
		if d.Subject != "" {
			about += " · " + d.Subject
		}
		deliveries.Hits = append(deliveries.Hits, views.FindHit{Link: views.Link{Text: d.ID.String(), URL: views.DeliveryURL(d.ID)}, About: about})
	}
}

// onlyHit returns the page of the only hit, or the only one that is called exactly that; "" when there are several.
func onlyHit(groups []views.FindGroup, text string) string {
	var all, exact []string
	for _, g := range groups {
		for _, hit := range g.Hits {
			all = append(all, hit.URL)
			if strings.EqualFold(hit.Text, text) {
				exact = append(exact, hit.URL)
			}
		}
	}
	for _, urls := range [][]string{exact, all} {
		if len(slices.Compact(urls)) == 1 {
			return urls[0]
		}
	}
	return ""
}

func holds(s, part string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(part)) }

// hostOf returns the host of a webhook's URL. Its tokens may stand where no URL has them.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}
