package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"labhook/engine"
	"labhook/engine/egress"
	"labhook/views"
)

// Limits of asking the echo URL.
const (
	echoTimeout    = 10 * time.Second // for the whole answer
	maxEchoHeaders = 16 << 10         // bytes
	maxEchoBody    = 256              // bytes; an address has at most 45, and what is longer is none
	maxEchoProblem = 300              // characters that are kept of what went wrong
)

// handleEgressCheck asks the echo URL from which address requests come, and keeps the answer.
func (s *Server) handleEgressCheck(w http.ResponseWriter, r *http.Request) {
	list, err := s.store.Egress(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if list.EchoURL == "" {
		s.redirect(w, r, views.EgressEditURL(), "Name an echo URL first.")
		return
	}
	seen := engine.EgressSeen{At: time.Now().UTC().Truncate(time.Millisecond)}
	if seen.Address, err = s.askEcho(r.Context(), list.EchoURL); err != nil {
		seen.Problem = echoProblem(err)
	}
	if err := s.store.SetEgressSeen(r.Context(), s.actor(r), seen); err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, r, views.EgressURL(), checkResult(&list, seen))
}

// checkResult says in a sentence what came of a check.
func checkResult(list *engine.EgressList, seen engine.EgressSeen) string {
	switch {
	case !seen.Address.IsValid():
		return "The check failed: " + seen.Problem + "."
	case list.Contains(seen.Address):
		return "Requests come from " + seen.Address.String() + ", which is in the list."
	}
	return "Requests come from " + seen.Address.String() + ", which is not in the list."
}

// askEcho returns the address from which the URL says it was asked. It is asked like a receiver: through the guard,
// from the same source address, through the same proxy, and redirects are not followed.
func (s *Server) askEcho(ctx context.Context, url string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, echoTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return netip.Addr{}, err
	}
	req.Header.Set("User-Agent", "Labhook/"+s.version)
	req.Header.Set("Accept", "text/plain")
	client := s.guard.Client(maxEchoHeaders)
	defer client.CloseIdleConnections()
	resp, err := client.RoundTrip(req)
	if err != nil {
		return netip.Addr{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return netip.Addr{}, fmt.Errorf("the echo URL answered %d and not 200", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxEchoBody))
	if err != nil {
		return netip.Addr{}, err
	}
	addr, err := netip.ParseAddr(strings.TrimSpace(string(body)))
	if err != nil {
		return netip.Addr{}, errors.New("the answer of the echo URL is not an address and nothing else")
	}
	return addr.Unmap().WithZone(""), nil
}

// echoProblem writes why there was no address, without a full stop.
func echoProblem(err error) string {
	text := err.Error()
	if blocked, ok := errors.AsType[*egress.BlockedError](err); ok {
		text = blocked.Error()
	} else if errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("the echo URL did not answer within %s", views.Duration(echoTimeout))
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	if runes := []rune(text); len(runes) > maxEchoProblem {
		text = string(runes[:maxEchoProblem]) + "…"
	}
	return upperFirst(text)
}
