package db

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

// row is a row as SQL values.
type row map[string]any

// but returns the row with other values: name, value, …
func (r row) but(pairs ...any) row {
	r = maps.Clone(r)
	for i := 0; i < len(pairs); i += 2 {
		r[pairs[i].(string)] = pairs[i+1]
	}
	return r
}

func insertRow(b *bench, t *testing.T, table string, r row) error {
	t.Helper()
	names := slices.Sorted(maps.Keys(r))
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = r[name]
	}
	query := fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table, strings.Join(names, ", "), strings.Repeat(", ?", len(names)-1))
	return b.writer.do(t.Context(), func(t *tx) error { return t.exec(query, args...) })
}

func TestIllegalRowsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := newEvent()
	_, err := insertAll(b, e, nil)
	must(t, err)
	delivery := row{
		"event": int64(e.ID), "consumer": int64(b.consumer.ID), "webhook": int64(b.webhook.ID), "state": "queued", "blocking": 0, "test": 0,
		"trigger": "automatic", "claim": 0, "attempts": 0, "due_at": 1, "reason": "", "last_class": "", "created_at": 1,
	}
	final := delivery.but("due_at", nil, "finished_at", 2, "attempts", 1)
	legal := map[string]row{
		"queued":    delivery,
		"scheduled": delivery.but("state", "scheduled"),
		"held":      delivery.but("state", "held", "due_at", nil, "lane", 7),
		"sending":   delivery.but("state", "sending", "due_at", nil),
		"retrying":  delivery.but("state", "retrying", "attempts", 1, "last_class", "status", "last_status", 503),
		"delivered": final.but("state", "delivered", "last_status", 200),
		"failed":    final.but("state", "failed", "last_class", "dns"),
		"cancelled": final.but("state", "cancelled", "attempts", 0, "reason", "The webhook was disabled."),
		"skipped":   final.but("state", "skipped", "attempts", 0, "reason", "The lab ended."),
	}
	for name, r := range legal {
		if err := insertRow(b, t, "deliveries", r); err != nil {
			t.Errorf("a legal row in %s was refused: %v", name, err)
		}
	}
	if len(legal) != len(engine.DeliveryStates) {
		t.Errorf("%d states have a legal row, want %d", len(legal), len(engine.DeliveryStates))
	}

	illegal := map[string]row{
		"no such state":                   delivery.but("state", "waiting"),
		"state in capitals":               delivery.but("state", "Queued"),
		"queued without due time":         delivery.but("due_at", nil),
		"scheduled without due time":      delivery.but("state", "scheduled", "due_at", nil),
		"retrying without due time":       legal["retrying"].but("due_at", nil),
		"retrying without attempt":        legal["retrying"].but("attempts", 0, "last_class", "", "last_status", nil),
		"retrying without failure":        legal["retrying"].but("last_class", ""),
		"sending with due time":           legal["sending"].but("due_at", 1),
		"held without lane":               legal["held"].but("lane", nil),
		"held with due time":              legal["held"].but("due_at", 1),
		"delivered without end":           legal["delivered"].but("finished_at", nil),
		"delivered without attempt":       legal["delivered"].but("attempts", 0, "last_status", nil),
		"delivered with failure":          legal["delivered"].but("last_class", "timeout"),
		"delivered with reason":           legal["delivered"].but("reason", "why"),
		"delivered with due time":         legal["delivered"].but("due_at", 1),
		"failed without end":              legal["failed"].but("finished_at", nil),
		"failed without attempt":          legal["failed"].but("attempts", 0),
		"failed without failure":          legal["failed"].but("last_class", ""),
		"failed with reason":              legal["failed"].but("reason", "why"),
		"cancelled without reason":        legal["cancelled"].but("reason", ""),
		"cancelled without end":           legal["cancelled"].but("finished_at", nil),
		"skipped without reason":          legal["skipped"].but("reason", ""),
		"queued with end":                 delivery.but("finished_at", 2),
		"queued with reason":              delivery.but("reason", "why"),
		"status before the first attempt": delivery.but("last_status", 500),
		"class before the first attempt":  delivery.but("last_class", "dns"),
		"no such class":                   legal["failed"].but("last_class", "weather"),
		"status of two digits":            legal["failed"].but("last_status", 99),
		"attempts below zero":             delivery.but("attempts", -1),
		"no such trigger":                 delivery.but("trigger", "moon"),
		"blocking neither yes nor no":     delivery.but("blocking", 2),
		"text for a number":               delivery.but("attempts", "many"),
		"a test in a lane":                delivery.but("test", 1, "lane", 7),
		"a round after the last attempt":  legal["retrying"].but("round_start", 2),
		"no such event":                   delivery.but("event", 1),
		"no such webhook":                 delivery.but("webhook", 1),
		"no such consumer":                delivery.but("consumer", 1),
	}
	for name, r := range illegal {
		if insertRow(b, t, "deliveries", r) == nil {
			t.Errorf("an illegal row was stored: %s", name)
		}
	}
}

func TestIllegalRowsOfOtherTablesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	attempt := row{
		"delivery": int64(d.ID), "number": 1, "trigger": "automatic", "started_at": 1, "webhook_version": 1, "verb": "POST", "url": "https://a",
		"request_headers": "", "event_body": 1, "proto": "HTTP/1.1", "status": 200, "answer_headers": "", "answer_body": []byte{},
		"truncated": 0, "outcome": "delivered", "class": "", "error": "", "dns_us": 0, "connect_us": 0, "tls_us": 0,
		"wait_us": 0, "body_us": 0, "total_us": 0, "reused": 0, "remote_addr": "",
	}
	webhook := row{
		"consumer": int64(b.consumer.ID), "name": "Second", "events": `["*"]`, "verb": "POST", "url": "https://a", "headers": "[]",
		"send_lab_details": 1, "content": "", "enabled": 1, "blocking": 0, "delay": 0, "timeout": 30, "retries": 3,
		"error_action": "log", "content_type": "", "notification_text": "", "retry_policy": "studio", "description": "",
		"end_lab_confirmed": 0, "options": "{}", "deactivate_reason": "", "position": 2, "version": 1, "created_at": 1, "created_by": "", "updated_at": 1, "updated_by": "",
	}
	key := row{
		"description": "CI", "scope": "send", "prefix": "lhk_", "hash": strings.Repeat("0", 64), "enabled": 1, "created_at": 1, "created_by": "",
	}
	user := row{
		"login": "dana", "name": "Dana", "role": "admin", "enabled": 1, "time_zone": "", "theme": "", "password_hash": "h", "created_at": 1,
	}
	tests := []struct {
		name, table string
		legal       row
		change      []any
	}{
		{"attempt 0", "attempts", attempt, []any{"number", 0}},
		{"status of four digits", "attempts", attempt, []any{"status", 1000}},
		{"status without protocol", "attempts", attempt, []any{"proto", nil}},
		{"delivered with a failure class", "attempts", attempt, []any{"class", "dns"}},
		{"retry without a time", "attempts", attempt, []any{"outcome", "retry", "class", "status"}},
		{"delivered with a time to retry", "attempts", attempt, []any{"retry_at", 1}},
		{"interrupted", "attempts", attempt, []any{"outcome", "interrupted"}},
		{"the event's body stored again", "attempts", attempt, []any{"request_body", []byte("x")}},
		{"no such verb", "webhooks", webhook, []any{"verb", "BREW"}},
		{"a delay of more than a day", "webhooks", webhook, []any{"delay", 86401}},
		{"a negative delay", "webhooks", webhook, []any{"delay", -1}},
		{"no timeout", "webhooks", webhook, []any{"timeout", 0}},
		{"a timeout of more than five minutes", "webhooks", webhook, []any{"timeout", 301}},
		{"61 retries", "webhooks", webhook, []any{"retries", 61}},
		{"no such error action", "webhooks", webhook, []any{"error_action", "shout"}},
		{"no events", "webhooks", webhook, []any{"events", "[]"}},
		{"position 0", "webhooks", webhook, []any{"position", 0}},
		{"the name of another webhook", "webhooks", webhook, []any{"name", "Gradebook"}},
		{"deactivated for no reason", "webhooks", webhook, []any{"enabled", 0, "deactivated_at", 1}},
		{"deactivated at no time", "webhooks", webhook, []any{"enabled", 0, "deactivate_reason", "GONE"}},
		{"deactivated and enabled", "webhooks", webhook, []any{"deactivate_reason", "GONE", "deactivated_at", 1}},
		{"no such scope", "api_keys", key, []any{"scope", "everything"}},
		{"a short hash", "api_keys", key, []any{"hash", "abc"}},
		{"a key in the clear", "api_keys", key, []any{"hash", "lhk_abc"}},
		{"no such role", "users", user, []any{"role", "root"}},
		{"no such theme", "users", user, []any{"theme", "sepia"}},
		{"a user without password", "users", user, []any{"password_hash", ""}},
	}
	for _, tt := range tests {
		if insertRow(b, t, tt.table, tt.legal.but(tt.change...)) == nil {
			t.Errorf("an illegal row was stored in %s: %s", tt.table, tt.name)
		}
	}
	for table, legal := range map[string]row{"attempts": attempt, "webhooks": webhook, "api_keys": key, "users": user} {
		if err := insertRow(b, t, table, legal); err != nil {
			t.Errorf("the legal row of %s was refused: %v", table, err)
		}
	}
	for _, role := range engine.Roles {
		if err := insertRow(b, t, "users", user.but("login", string(role), "role", string(role))); err != nil {
			t.Error(err)
		}
	}
	if insertRow(b, t, "users", user.but("login", "DANA")) == nil {
		t.Error("a login that differs in case only was stored")
	}
}
