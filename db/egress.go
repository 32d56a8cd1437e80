package db

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"labhook/engine"
)

// The settings with the list of addresses that receivers must allow, and with the answer of its echo URL.
const (
	egressKey     = "egress"
	egressSeenKey = "egress_seen"
)

// storedEgress is an engine.EgressList as its setting holds it.
type storedEgress struct {
	Entries    []storedEgressEntry  `json:"entries,omitempty"`
	Public     bool                 `json:"public,omitempty"`
	ValidUntil time.Time            `json:"valid_until,omitzero"`
	EchoURL    string               `json:"echo_url,omitempty"`
	Version    int                  `json:"version"`
	UpdatedAt  time.Time            `json:"updated_at"`
	UpdatedBy  string               `json:"updated_by"`
	Changes    []storedEgressChange `json:"changes,omitempty"`
}

type storedEgressEntry struct {
	Network netip.Prefix `json:"network"`
	Label   string       `json:"label,omitempty"`
}

type storedEgressChange struct {
	At      time.Time      `json:"at"`
	By      string         `json:"by"`
	Added   []netip.Prefix `json:"added,omitempty"`
	Removed []netip.Prefix `json:"removed,omitempty"`
}

// storedEgressSeen is an engine.EgressSeen as its setting holds it.
type storedEgressSeen struct {
	At      time.Time  `json:"at"`
	Address netip.Addr `json:"address,omitzero"`
	Problem string     `json:"problem,omitempty"`
}

// Egress returns the list of addresses that receivers must allow; the zero list when none was declared.
func (s *Store) Egress(ctx context.Context) (engine.EgressList, error) {
	var stored storedEgress
	if err := s.settingJSON(ctx, egressKey, &stored); err != nil {
		return engine.EgressList{}, fmt.Errorf("read egress list: %w", err)
	}
	return stored.list(), nil
}

// SetEgress stores the list in the place of the one whose version it names, and returns it as it is now. Version, the
// times and the changes are the store's business. A list that says the same as the stored one changes nothing. The
// error is an engine.InvalidError when a field breaks a rule, and engine.ErrConflict when somebody else changed the
// list meanwhile.
func (s *Store) SetEgress(ctx context.Context, who engine.Actor, list engine.EgressList) (engine.EgressList, error) {
	list.Normalize()
	if err := list.Validate(); err != nil {
		return engine.EgressList{}, err
	}
	stored, err := change(ctx, s.writer, func(t *tx) (engine.EgressList, error) {
		var stored storedEgress
		if err := s.settingJSONIn(t, egressKey, &stored); err != nil {
			return engine.EgressList{}, err
		}
		before := stored.list()
		if before.Version != list.Version {
			return before, fmt.Errorf("the egress list was changed meanwhile: %w", engine.ErrConflict)
		}
		return s.changeEgress(t, who, before, list)
	})
	if err != nil {
		return engine.EgressList{}, fmt.Errorf("change egress list: %w", err)
	}
	return stored, nil
}

// changeEgress writes what differs between the two lists to the setting and the audit log.
func (s *Store) changeEgress(t *tx, who engine.Actor, before, after engine.EgressList) (engine.EgressList, error) {
	after.ValidUntil = after.ValidUntil.UTC().Truncate(time.Second)
	detail := diffEgress(before, after)
	if detail == "" {
		return before, nil
	}
	now := t.now.UTC().Truncate(time.Millisecond)
	after.Version++
	after.UpdatedAt, after.UpdatedBy, after.Changes = before.UpdatedAt, before.UpdatedBy, before.Changes
	was, is := before.Networks(), after.Networks()
	if !slices.Equal(was, is) {
		latest := engine.EgressChange{At: now, By: who.Name, Added: without(is, was), Removed: without(was, is)}
		after.Changes = append([]engine.EgressChange{latest}, before.Changes...)
		after.Changes = after.Changes[:min(len(after.Changes), engine.MaxEgressChanges)]
	}
	if !slices.Equal(was, is) || !before.ValidUntil.Equal(after.ValidUntil) || before.Version == 0 {
		after.UpdatedAt, after.UpdatedBy = now, who.Name
	}
	if err := s.saveSettingJSON(t, egressKey, storeEgress(after)); err != nil {
		return after, err
	}
	return after, t.audit(who, "egress.update", "", detail)
}

// diffEgress says what differs between two lists; "" for nothing.
func diffEgress(before, after engine.EgressList) string {
	var d diff
	note := func(sign string, in, notIn []engine.EgressEntry) {
		for _, e := range in {
			if !slices.Contains(notIn, e) {
				d.note(sign + " " + engine.FormatEgressEntries([]engine.EgressEntry{e}))
			}
		}
	}
	note("-", before.Entries, after.Entries)
	note("+", after.Entries, before.Entries)
	d.field("public", before.Public, after.Public)
	if !before.ValidUntil.Equal(after.ValidUntil) {
		d.field("valid_until", before.ValidUntil, after.ValidUntil)
	}
	d.field("echo_url", before.EchoURL, after.EchoURL)
	return d.String()
}

// without returns what is in list and not in other.
func without(list, other []netip.Prefix) (rest []netip.Prefix) {
	for _, p := range list {
		if !slices.Contains(other, p) {
			rest = append(rest, p)
		}
	}
	return rest
}

// EgressSeen returns what came of asking the echo URL last; the zero value when nobody has asked.
func (s *Store) EgressSeen(ctx context.Context) (engine.EgressSeen, error) {
	var stored storedEgressSeen
	if err := s.settingJSON(ctx, egressSeenKey, &stored); err != nil {
		return engine.EgressSeen{}, fmt.Errorf("read answer of the echo URL: %w", err)
	}
	return engine.EgressSeen(stored), nil
}

// SetEgressSeen stores what came of asking the echo URL, in the place of an earlier answer.
func (s *Store) SetEgressSeen(ctx context.Context, who engine.Actor, seen engine.EgressSeen) error {
	detail := seen.Problem
	if seen.Address.IsValid() {
		detail = "address: " + seen.Address.String()
	}
	return s.writer.do(ctx, func(t *tx) error {
		if err := s.saveSettingJSON(t, egressSeenKey, storedEgressSeen(seen)); err != nil {
			return err
		}
		return t.audit(who, "egress.check", "", detail)
	})
}

func storeEgress(l engine.EgressList) storedEgress {
	stored := storedEgress{
		Public: l.Public, ValidUntil: l.ValidUntil, EchoURL: l.EchoURL,
		Version: l.Version, UpdatedAt: l.UpdatedAt, UpdatedBy: l.UpdatedBy,
	}
	for _, e := range l.Entries {
		stored.Entries = append(stored.Entries, storedEgressEntry(e))
	}
	for _, c := range l.Changes {
		stored.Changes = append(stored.Changes, storedEgressChange(c))
	}
	return stored
}

// list is the reverse of storeEgress.
func (stored storedEgress) list() engine.EgressList {
	l := engine.EgressList{
		Public: stored.Public, ValidUntil: stored.ValidUntil, EchoURL: stored.EchoURL,
		Version: stored.Version, UpdatedAt: stored.UpdatedAt, UpdatedBy: stored.UpdatedBy,
	}
	for _, e := range stored.Entries {
		l.Entries = append(l.Entries, engine.EgressEntry(e))
	}
	for _, c := range stored.Changes {
		l.Changes = append(l.Changes, engine.EgressChange(c))
	}
	return l
}
