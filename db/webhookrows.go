package db

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"labhook/engine"
)

const webhookColumns = `id, consumer, name, events, verb, url, headers, send_lab_details, content, enabled, blocking, delay, timeout,
	retries, error_action, content_type, notification_text, retry_policy, description, position, version,
	created_at, created_by, updated_at, updated_by, deleted_at, end_lab_confirmed, options, deactivate_reason, deactivated_at`

// webhookSettings is what a person sets of a webhook, as it is kept of every version.
type webhookSettings struct {
	Name             string             `json:"name"`
	Events           []string           `json:"events"`
	Verb             string             `json:"verb"`
	URL              string             `json:"url"`
	Headers          []storedHeader     `json:"headers"`
	SendLabDetails   bool               `json:"send_lab_details"`
	Content          string             `json:"content"`
	Enabled          bool               `json:"enabled"`
	Blocking         bool               `json:"blocking"`
	Delay            int64              `json:"delay"`   // seconds
	Timeout          int64              `json:"timeout"` // seconds
	Retries          int                `json:"retries"`
	ErrorAction      engine.ErrorAction `json:"error_action"`
	ContentType      string             `json:"content_type"`
	NotificationText string             `json:"notification_text"`
	RetryPolicy      string             `json:"retry_policy"`
	Description      string             `json:"description"`
	Position         int                `json:"position"`
	EndLabConfirmed  bool               `json:"end_lab_confirmed,omitempty"`
	webhookOptions
}

// storedHeader is a header line on disk: the value is plain or sealed.
type storedHeader struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
	Sealed []byte `json:"sealed,omitempty"`
}

// headerContext binds a sealed value to its webhook and its name.
func headerContext(id engine.WebhookID, name string) string {
	return "webhooks/" + id.String() + "/headers/" + strings.ToLower(name)
}

func (s *Store) sealHeaders(w *engine.Webhook) []storedHeader {
	stored := make([]storedHeader, len(w.Headers))
	for i, h := range w.Headers {
		stored[i].Name = h.Name
		if h.Sensitive {
			stored[i].Sealed = s.sealer.seal(headerContext(w.ID, h.Name), h.Value.Reveal())
		} else {
			stored[i].Value = h.Value.Reveal()
		}
	}
	return stored
}

func (s *Store) unsealHeaders(w *engine.Webhook, stored []storedHeader) error {
	w.Headers = make([]engine.Header, len(stored))
	for i, h := range stored {
		w.Headers[i] = engine.Header{Name: h.Name, Value: engine.Secret(h.Value), Sensitive: h.Sealed != nil}
		if h.Sealed == nil {
			continue
		}
		value, err := s.sealer.unseal(headerContext(w.ID, h.Name), h.Sealed)
		if err != nil {
			return err
		}
		w.Headers[i].Value = engine.Secret(value)
	}
	return nil
}

func (s *Store) insertWebhook(t *tx, w *engine.Webhook) error {
	events, headers, options, err := s.webhookJSON(w)
	if err != nil {
		return err
	}
	return t.exec("INSERT INTO webhooks ("+webhookColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)`,
		w.ID, w.ConsumerID, w.Name, events, w.Verb, w.URL, headers, w.SendLabDetails, w.Content, w.Enabled, w.Blocking,
		seconds(w.Delay), seconds(w.Timeout), w.Retries, w.ErrorAction, w.ContentType, w.NotificationText, w.RetryPolicy,
		w.Description, w.Position, w.Version, millis(w.CreatedAt), w.CreatedBy, millis(w.UpdatedAt), w.UpdatedBy, w.EndLabConfirmed,
		options, string(w.DeactivateReason), millis(w.DeactivatedAt))
}

func (s *Store) updateWebhook(t *tx, w *engine.Webhook) error {
	events, headers, options, err := s.webhookJSON(w)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE webhooks SET name = ?, events = ?, verb = ?, url = ?, headers = ?, send_lab_details = ?, content = ?,
			enabled = ?, blocking = ?, delay = ?, timeout = ?, retries = ?, error_action = ?, content_type = ?,
			notification_text = ?, end_lab_confirmed = ?, retry_policy = ?, description = ?, version = ?,
			updated_at = ?, updated_by = ?, options = ?, deactivate_reason = ?, deactivated_at = ?
		WHERE id = ?`,
		w.Name, events, w.Verb, w.URL, headers, w.SendLabDetails, w.Content,
		w.Enabled, w.Blocking, seconds(w.Delay), seconds(w.Timeout), w.Retries, w.ErrorAction, w.ContentType,
		w.NotificationText, w.EndLabConfirmed, w.RetryPolicy, w.Description, w.Version, millis(w.UpdatedAt), w.UpdatedBy,
		options, string(w.DeactivateReason), millis(w.DeactivatedAt), w.ID)
}

// webhookJSON returns the columns that hold JSON.
func (s *Store) webhookJSON(w *engine.Webhook) (events, headers, options string, err error) {
	texts := make([]string, 3)
	for i, v := range []any{w.Events, s.sealHeaders(w), s.optionsOf(w)} {
		text, err := json.Marshal(v)
		if err != nil {
			return "", "", "", err
		}
		texts[i] = string(text)
	}
	return texts[0], texts[1], texts[2], nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (s *Store) scanWebhook(row scanner) (w engine.Webhook, err error) {
	var (
		events, headers, options string
		delay, timeout           int64
		stored                   []storedHeader
	)
	err = row.Scan(&w.ID, &w.ConsumerID, &w.Name, &events, &w.Verb, &w.URL, &headers, &w.SendLabDetails, &w.Content, &w.Enabled,
		&w.Blocking, &delay, &timeout, &w.Retries, &w.ErrorAction, &w.ContentType, &w.NotificationText, &w.RetryPolicy,
		&w.Description, &w.Position, &w.Version, at(&w.CreatedAt), &w.CreatedBy, at(&w.UpdatedAt), &w.UpdatedBy, at(&w.DeletedAt), &w.EndLabConfirmed,
		&options, &w.DeactivateReason, at(&w.DeactivatedAt))
	if err != nil {
		return w, err
	}
	w.Delay, w.Timeout = time.Duration(delay)*time.Second, time.Duration(timeout)*time.Second
	if err := json.Unmarshal([]byte(events), &w.Events); err != nil {
		return w, fmt.Errorf("read events of %s: %w", w.ID, err)
	}
	if err := json.Unmarshal([]byte(headers), &stored); err != nil {
		return w, fmt.Errorf("read headers of %s: %w", w.ID, err)
	}
	if err := s.parseOptions(&w, options); err != nil {
		return w, err
	}
	return w, s.unsealHeaders(&w, stored)
}

func (s *Store) insertVersion(t *tx, w *engine.Webhook) error {
	settings, err := json.Marshal(webhookSettings{
		Name: w.Name, Events: w.Events, Verb: w.Verb, URL: w.URL, Headers: s.sealHeaders(w), SendLabDetails: w.SendLabDetails,
		Content: w.Content, Enabled: w.Enabled, Blocking: w.Blocking, Delay: seconds(w.Delay), Timeout: seconds(w.Timeout),
		Retries: w.Retries, ErrorAction: w.ErrorAction, ContentType: w.ContentType, NotificationText: w.NotificationText,
		RetryPolicy: w.RetryPolicy, Description: w.Description, Position: w.Position, EndLabConfirmed: w.EndLabConfirmed,
		webhookOptions: s.optionsOf(w),
	})
	if err != nil {
		return err
	}
	return t.exec("INSERT INTO webhook_versions (webhook, version, settings, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
		w.ID, w.Version, string(settings), millis(w.UpdatedAt), w.UpdatedBy)
}

// scanVersion puts the settings of a version into w.
func (s *Store) scanVersion(row scanner, w engine.Webhook, version int) (engine.Webhook, error) {
	var (
		text string
		set  webhookSettings
	)
	if err := row.Scan(&text, at(&w.UpdatedAt), &w.UpdatedBy); err != nil {
		return engine.Webhook{}, err
	}
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return engine.Webhook{}, fmt.Errorf("read version %d of %s: %w", version, w.ID, err)
	}
	w.Name, w.Events, w.Verb, w.URL, w.SendLabDetails, w.Content = set.Name, set.Events, set.Verb, set.URL, set.SendLabDetails, set.Content
	w.Enabled, w.Blocking, w.Retries, w.ErrorAction = set.Enabled, set.Blocking, set.Retries, set.ErrorAction
	w.Delay, w.Timeout = time.Duration(set.Delay)*time.Second, time.Duration(set.Timeout)*time.Second
	w.ContentType, w.NotificationText, w.RetryPolicy = set.ContentType, set.NotificationText, set.RetryPolicy
	w.Description, w.Position, w.Version, w.EndLabConfirmed = set.Description, set.Position, version, set.EndLabConfirmed
	w.DeactivateReason, w.DeactivatedAt = "", time.Time{} // of today, not of that version
	if err := s.setOptions(&w, set.webhookOptions); err != nil {
		return w, err
	}
	return w, s.unsealHeaders(&w, set.Headers)
}

func diffWebhooks(a, b *engine.Webhook) *diff {
	d := &diff{}
	d.field("name", a.Name, b.Name)
	d.field("events", strings.Join(a.Events, ", "), strings.Join(b.Events, ", "))
	d.field("verb", a.Verb, b.Verb)
	d.field("url", a.URL, b.URL)
	if before, after := engine.FormatHeaders(a.Headers), engine.FormatHeaders(b.Headers); before != after {
		d.field("headers", before, after)
	} else if !slices.Equal(a.Headers, b.Headers) {
		d.note("headers: a masked value was changed")
	}
	d.field("send_lab_details", a.SendLabDetails, b.SendLabDetails)
	d.field("content", a.Content, b.Content)
	d.field("enabled", a.Enabled, b.Enabled)
	d.field("blocking", a.Blocking, b.Blocking)
	d.field("delay", a.Delay, b.Delay)
	d.field("timeout", a.Timeout, b.Timeout)
	d.field("retries", a.Retries, b.Retries)
	d.field("error_action", string(a.ErrorAction), string(b.ErrorAction))
	d.field("end_lab_confirmed", a.EndLabConfirmed, b.EndLabConfirmed)
	d.field("content_type", a.ContentType, b.ContentType)
	d.field("notification_text", a.NotificationText, b.NotificationText)
	d.field("retry_policy", a.RetryPolicy, b.RetryPolicy)
	d.field("description", a.Description, b.Description)
	diffOptions(d, a, b)
	return d
}
