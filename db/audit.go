package db

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"labhook/engine"
)

// AuditEntry is one line of the audit log: who did what to which object.
type AuditEntry struct {
	ID     int64
	At     time.Time
	Who    engine.Actor
	Action string // "webhook.update"
	Object string // an id, or a login
	Detail string // what changed, a field a line; secrets masked
}

// audit writes an entry in the transaction of the change it is about.
func (t *tx) audit(who engine.Actor, action, object, detail string) error {
	return t.exec("INSERT INTO audit (at, actor, ip, action, object, detail) VALUES (?, ?, ?, ?, ?, ?)",
		t.now.UnixMilli(), who.Name, who.IP, action, object, detail)
}

// Audit writes an entry about something that changed no row of its own, such as a sign-in.
func (s *Store) Audit(ctx context.Context, who engine.Actor, action, object, detail string) error {
	return s.writer.do(ctx, func(t *tx) error { return t.audit(who, action, object, detail) })
}

// ListAudit returns the newest entries first.
func (s *Store) ListAudit(ctx context.Context, limit int) ([]AuditEntry, error) {
	page, err := s.FindAudit(ctx, AuditFilter{Limit: limit})
	return page.Rows, err
}

// AuditFilter chooses entries of the audit log; zero fields choose all.
type AuditFilter struct {
	Who, Action, Object string // whole, to the letter
	Since, Until        time.Time
	Before, After       int64 // the page begins or ends at that entry; at most one is set
	Limit               int   // 0: engine.PageSize; at most engine.MaxPageSize
}

// FindAudit returns a page of the entries that the filter chooses, newest first.
func (s *Store) FindAudit(ctx context.Context, f AuditFilter) (engine.Page[AuditEntry], error) {
	a := auditArm(f)
	// The log is in the order of its ids. The clock may have stepped back meanwhile, so that an id bounds a time only
	// nearly: it tells where to begin to look.
	for _, bound := range []struct {
		at        time.Time
		condition string
	}{{f.Since, "r.id >= ?"}, {f.Until, "r.id < ?"}} {
		if bound.at.IsZero() {
			continue
		}
		id, err := one(s.read.QueryRowContext(ctx, selectAuditAt, bound.at.UnixMilli()), number)
		if errors.Is(err, engine.ErrNotFound) {
			id, err = math.MaxInt64, nil
		}
		if err != nil {
			return engine.Page[AuditEntry]{}, fmt.Errorf("read audit log: %w", err)
		}
		a.and(bound.condition, id)
	}
	page, err := listPage(ctx, s, []arm{a}, keyset{f.Before, f.After, f.Limit}, s.auditRows)
	if err != nil {
		return page, fmt.Errorf("read audit log: %w", err)
	}
	return page, nil
}

const (
	selectAuditAt   = "SELECT id FROM audit INDEXED BY audit_at WHERE at >= ? ORDER BY at, id LIMIT 1"
	selectAuditRows = `SELECT id, at, actor, ip, action, object, detail FROM audit
	WHERE id IN (SELECT value FROM json_each(?))`
)

// auditArm follows the index of the filter that leaves the fewest entries.
func auditArm(f AuditFilter) arm {
	a := arm{from: "audit AS r NOT INDEXED"}
	for _, by := range []struct{ column, value string }{{"action", f.Action}, {"actor", f.Who}, {"object", f.Object}} {
		if by.value != "" {
			a.from = "audit AS r INDEXED BY audit_" + by.column
			a.and("r."+by.column+" = ?", by.value)
		}
	}
	return a
}

func (s *Store) auditRows(ctx context.Context, ids []int64) (map[int64]AuditEntry, error) {
	rows, err := list(ctx, s, func(row scanner) (e AuditEntry, err error) {
		return e, row.Scan(&e.ID, at(&e.At), &e.Who.Name, &e.Who.IP, &e.Action, &e.Object, &e.Detail)
	}, selectAuditRows, jsonIDs(ids))
	entries := make(map[int64]AuditEntry, len(rows))
	for _, e := range rows {
		entries[e.ID] = e
	}
	return entries, err
}

// maxDiffValue is how many bytes of a value an audit entry shows.
const maxDiffValue = 200

// diff collects what changed, for the detail of an audit entry.
type diff []string

// field adds a line when the value changed.
func (d *diff) field(name string, before, after any) {
	if before == after {
		return
	}
	*d = append(*d, fmt.Sprintf("%s: %s → %s", name, diffValue(before), diffValue(after)))
}

// note adds a line as it is.
func (d *diff) note(line string) { *d = append(*d, line) }

func (d *diff) String() string { return strings.Join(*d, "\n") }

func diffValue(v any) string {
	if t, ok := v.(time.Time); ok {
		if t.IsZero() {
			return "never"
		}
		return t.UTC().Format(time.RFC3339)
	}
	text := fmt.Sprint(v)
	if len(text) > maxDiffValue {
		cut := maxDiffValue
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		return fmt.Sprintf("%q… (%d bytes)", text[:cut], len(text))
	}
	if _, ok := v.(string); ok {
		return fmt.Sprintf("%q", text)
	}
	return text
}
