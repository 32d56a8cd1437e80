package db

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"labhook/engine"
)

const eventTypeColumns = "code, label, description, sample, schema, subject_field, created_at, created_by, updated_at, updated_by"

// storedEventType is a row of event_types.
type storedEventType struct {
	entered engine.OwnEventType
	stamps  engine.EventType // who and when
}

func scanEventType(row scanner) (s storedEventType, err error) {
	o, by := &s.entered, &s.stamps
	return s, row.Scan(&o.Code, &o.Label, &o.Description, &o.Sample, &o.Schema, &o.SubjectField,
		at(&by.CreatedAt), &by.CreatedBy, at(&by.UpdatedAt), &by.UpdatedBy)
}

// eventType makes an event type of a row. One that a later Labhook finds wrong stays usable by its names: its schema is
// then left out, and the log says so.
func (s *Store) eventType(row storedEventType) engine.EventType {
	t, err := row.entered.EventType(engine.BuiltIn)
	if err != nil {
		s.log.Warn("event type has problems", "code", row.entered.Code, "error", err)
		t.Example = json.RawMessage(row.entered.Sample)
	}
	t.CreatedAt, t.CreatedBy, t.UpdatedAt, t.UpdatedBy = row.stamps.CreatedAt, row.stamps.CreatedBy, row.stamps.UpdatedAt, row.stamps.UpdatedBy
	return t
}

// loadEventTypes reads the administrators' event types at start.
func (s *Store) loadEventTypes(ctx context.Context) ([]engine.EventType, error) {
	rows, err := list(ctx, s, scanEventType, "SELECT "+eventTypeColumns+" FROM event_types ORDER BY code")
	if err != nil {
		return nil, fmt.Errorf("load event types: %w", err)
	}
	own := make([]engine.EventType, len(rows))
	for i, row := range rows {
		own[i] = s.eventType(row)
	}
	return own, nil
}

// CreateEventType stores an event type of an administrator, and returns it as it is in the catalog from now on. The
// error is an engine.InvalidError when a field breaks a rule or a name is taken.
func (s *Store) CreateEventType(ctx context.Context, who engine.Actor, entered engine.OwnEventType) (engine.EventType, error) {
	after, err := entered.EventType(s.Directory().Catalog())
	if err != nil {
		return engine.EventType{}, err
	}
	err = s.writer.do(ctx, func(t *tx) error {
		own := t.directory.Catalog().InGroup(engine.GroupOwn)
		if len(own) >= engine.MaxOwnEventTypes {
			return invalid("code", "There are %d own event types, which is the most", len(own))
		}
		if _, taken := t.directory.Catalog().Find(entered.Code); taken {
			return invalid("code", "Another event type goes by the name %q", entered.Code)
		}
		if err := entered.CheckNames(t.directory.Catalog()); err != nil {
			return err
		}
		after.CreatedAt, after.CreatedBy, after.UpdatedAt, after.UpdatedBy = t.now, who.Name, t.now, who.Name
		err := t.exec(`INSERT INTO event_types (`+eventTypeColumns+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?8)`,
			after.Code, after.Label, after.Description, string(after.Example), after.Schema.Text(), after.SubjectField, t.now.UnixMilli(), who.Name)
		if err != nil {
			return err
		}
		t.directory = t.directory.WithEventTypes(append(own, after))
		return t.audit(who, "event_type.create", after.Code, diffEventTypes(engine.EventType{}, after).String())
	})
	if err != nil {
		return engine.EventType{}, fmt.Errorf("create event type: %w", err)
	}
	return after, nil
}

// UpdateEventType stores an event type of an administrator anew, under the code that it has, and returns it as it is in
// the catalog from now on. Errors are engine.ErrNotFound when the administrators have none of that code, and an
// engine.InvalidError.
func (s *Store) UpdateEventType(ctx context.Context, who engine.Actor, entered engine.OwnEventType) (engine.EventType, error) {
	return s.ReplaceEventType(ctx, who, entered, func(engine.OwnEventType) error { return nil })
}

// ReplaceEventType is UpdateEventType for a change that depends on what is stored when it is made: may gets that, and
// refuses with an error. It must not call the store.
func (s *Store) ReplaceEventType(ctx context.Context, who engine.Actor, entered engine.OwnEventType, may func(engine.OwnEventType) error) (engine.EventType, error) {
	if t, ok := s.Directory().Catalog().Find(entered.Code); !ok || !t.Own() || t.Code != entered.Code {
		return engine.EventType{}, engine.ErrNotFound
	}
	after, err := entered.EventType(s.Directory().Catalog())
	if err != nil {
		return engine.EventType{}, err
	}
	err = s.writer.do(ctx, func(t *tx) error {
		own, i := ownEventType(t, entered.Code)
		if i < 0 {
			return engine.ErrNotFound
		}
		before := own[i]
		if err := may(before.Entered()); err != nil {
			return err
		}
		if err := entered.CheckNames(t.directory.Catalog()); err != nil {
			return err
		}
		after.CreatedAt, after.CreatedBy, after.UpdatedAt, after.UpdatedBy = before.CreatedAt, before.CreatedBy, t.now, who.Name
		err := t.exec(`UPDATE event_types SET label = ?, description = ?, sample = ?, schema = ?, subject_field = ?, updated_at = ?, updated_by = ?
			WHERE code = ?`,
			after.Label, after.Description, string(after.Example), after.Schema.Text(), after.SubjectField, t.now.UnixMilli(), who.Name, after.Code)
		if err != nil {
			return err
		}
		own[i] = after
		t.directory = t.directory.WithEventTypes(own)
		return t.audit(who, "event_type.update", after.Code, diffEventTypes(before, after).String())
	})
	if err != nil {
		return engine.EventType{}, fmt.Errorf("update event type: %w", err)
	}
	return after, nil
}

// DeleteEventType takes an event type of an administrator away. Its events stay. Errors are engine.ErrNotFound, and an
// engine.InvalidError on "code" while a webhook names it.
func (s *Store) DeleteEventType(ctx context.Context, who engine.Actor, code string) error {
	err := s.writer.do(ctx, func(t *tx) error {
		own, i := ownEventType(t, code)
		if i < 0 {
			return engine.ErrNotFound
		}
		for _, c := range t.directory.Consumers() {
			for _, w := range t.directory.Webhooks(c.ID) {
				if slices.Contains(w.Events, code) {
					return invalid("code", "The webhook %s of %s listens to it: change or delete that first", w.Name, c.Name)
				}
			}
		}
		if err := t.exec("DELETE FROM event_types WHERE code = ?", code); err != nil {
			return err
		}
		t.directory = t.directory.WithEventTypes(slices.Delete(own, i, i+1))
		return t.audit(who, "event_type.delete", code, "")
	})
	if err != nil {
		return fmt.Errorf("delete event type: %w", err)
	}
	return nil
}

// ownEventType returns the administrators' event types, and where the one with that code is among them; -1: nowhere.
func ownEventType(t *tx, code string) ([]engine.EventType, int) {
	own := t.directory.Catalog().InGroup(engine.GroupOwn)
	return own, slices.IndexFunc(own, func(e engine.EventType) bool { return e.Code == code })
}

func diffEventTypes(a, b engine.EventType) *diff {
	d := &diff{}
	before, after := a.Entered(), b.Entered()
	d.field("label", before.Label, after.Label)
	d.field("description", before.Description, after.Description)
	d.field("sample", before.Sample, after.Sample)
	d.field("schema", before.Schema, after.Schema)
	d.field("subject_field", before.SubjectField, after.SubjectField)
	return d
}

// MaxTypeCount is where the count of the events of a type stops.
const MaxTypeCount = 1000

// countTypes seeks each type in its index: what it costs is bounded by the number of types, however many events there are.
const countTypes = `SELECT j.value, (SELECT count(*) FROM (SELECT 1 FROM events INDEXED BY events_type WHERE type = j.value AND id >= ?2 LIMIT ?3))
	FROM json_each(?1) AS j`

// CountTypes counts the events of each type that were accepted since a time, up to MaxTypeCount+1.
func (s *Store) CountTypes(ctx context.Context, codes []string, since time.Time) (map[string]int, error) {
	names, err := json.Marshal(codes)
	if err != nil {
		return nil, err
	}
	counts, err := listMap(ctx, s, func(row scanner, code *string, n *int) error {
		return row.Scan(code, n)
	}, countTypes, string(names), engine.IDAt(since), MaxTypeCount+1)
	if err != nil {
		return nil, fmt.Errorf("count events by type: %w", err)
	}
	return counts, nil
}
