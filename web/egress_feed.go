package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"labhook/engine"
	"labhook/web/api"
)

// egressAge is for how long the public lists of addresses may be kept by caches.
const egressAge = time.Hour

// handleEgressText answers with the addresses that receivers must allow, a line each.
func (s *Server) handleEgressText(w http.ResponseWriter, r *http.Request) {
	s.egressFeed(w, r, "text/plain; charset=utf-8", egressText)
}

// handleEgressJSON answers with the same addresses as the API does.
func (s *Server) handleEgressJSON(w http.ResponseWriter, r *http.Request) {
	s.egressFeed(w, r, "application/json", egressJSON)
}

func egressText(l *engine.EgressList) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Addresses that webhooks are sent from, as of %s", l.UpdatedAt.Format(time.RFC3339))
	if !l.ValidUntil.IsZero() {
		fmt.Fprintf(&b, ", valid until %s", l.ValidUntil.Format(time.RFC3339))
	}
	for _, p := range l.Networks() {
		b.WriteString("\n" + engine.PrefixText(p))
	}
	return []byte(b.String() + "\n")
}

func egressJSON(l *engine.EgressList) []byte {
	text, err := json.MarshalIndent(api.EgressOf(*l), "", "  ")
	if err != nil {
		panic(err) // texts and times that were read from JSON
	}
	return append(text, '\n')
}

// egressFeed answers with the list, to everybody when it is public, else to people who are signed in; for others there
// is nothing here. An empty list is none: a firewall that is fed from it would shut every webhook out.
func (s *Server) egressFeed(w http.ResponseWriter, r *http.Request, mediaType string, write func(*engine.EgressList) []byte) {
	list, err := s.store.Egress(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	signedIn := visitOf(r).user != nil
	if len(list.Entries) == 0 || !list.Public && !signedIn {
		plain(w, http.StatusNotFound, "There is nothing here.")
		return
	}
	body := write(&list)
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(body)))
	if h.Set("Cache-Control", "private, no-cache"); list.Public && !signedIn {
		// Not for people who are signed in: their answers may carry a cookie.
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(egressAge.Seconds())))
	}
	http.ServeContent(w, r, "", list.UpdatedAt, bytes.NewReader(body))
}
