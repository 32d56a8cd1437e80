package db

import (
	"context"
	"fmt"
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
	return list(ctx, s, func(row scanner) (e AuditEntry, err error) {
		return e, row.Scan(&e.ID, at(&e.At), &e.Who.Name, &e.Who.IP, &e.Action, &e.Object, &e.Detail)
	}, "SELECT id, at, actor, ip, action, object, detail FROM audit ORDER BY id DESC LIMIT ?", limit)
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
