package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
)

type listWebhooksInput struct {
	Consumer string `query:"consumer" doc:"Id or external id of an API consumer"`
	Onward
}

// listWebhooks answers with the webhooks that the key sees, oldest first.
func (s *server) listWebhooks(ctx context.Context, in *listWebhooksInput) (*answer[List[Webhook]], error) {
	var (
		after engine.WebhookID
		bad   engine.InvalidError
		seen  []*engine.Webhook
	)
	owner, err := s.consumerIn(callOf(ctx), in.Consumer)
	if err != nil {
		return nil, err
	}
	if readID(&bad, "after", in.After, &after); len(bad) > 0 {
		return nil, bad
	}
	dir := s.Store.Directory()
	for _, c := range dir.Consumers() {
		if owner == 0 || owner == c.ID {
			seen = append(seen, dir.Webhooks(c.ID)...)
		}
	}
	slices.SortFunc(seen, func(a, b *engine.Webhook) int { return cmp.Compare(a.ID, b.ID) })
	part, more := listAfter(seen, func(w *engine.Webhook) engine.WebhookID { return w.ID }, after, in.Limit)
	return listOf(part, webhookOut, more, func(w *engine.Webhook) string { return w.ID.String() }), nil
}

type createdWebhook struct {
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     Webhook
}

type webhookAnswer struct {
	ETag string `header:"ETag" doc:"For If-Match"`
	Body Webhook
}

// createWebhook makes a webhook.
func (s *server) createWebhook(ctx context.Context, _ *none) (*createdWebhook, error) {
	c := callOf(ctx)
	sent := newWebhookInput(0)
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	owner, err := s.consumerIn(c, sent.Consumer)
	if err == nil && owner == 0 {
		err = invalid("consumer", "Name the API consumer that the webhook is for, by its id or external id")
	}
	if err != nil {
		return nil, err
	}
	next := engine.NewWebhook(owner)
	sent.set(&next)
	if err := s.checkWebhook(&next); err != nil {
		return nil, err
	}
	made, err := s.Store.CreateWebhook(ctx, c.actor(), next)
	if err != nil {
		return nil, err
	}
	return &createdWebhook{Prefix + "/webhooks/" + made.ID.String(), etag(&made), webhookOut(&made)}, nil
}

type webhookPath struct {
	Wh string `path:"wh"`
}

// readWebhook answers with one webhook.
func (s *server) readWebhook(ctx context.Context, in *webhookPath) (*webhookAnswer, error) {
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	return &webhookAnswer{etag(found), webhookOut(found)}, nil
}

type replaceWebhookInput struct {
	Wh      string `path:"wh"`
	IfMatch string `header:"If-Match" doc:"The ETag that was read; in place of version in the body"`
}

// replaceWebhook gives a webhook all its fields anew; what is absent becomes what it is in a new one. The client says
// which version it has seen, so that nobody's change is lost.
func (s *server) replaceWebhook(ctx context.Context, in *replaceWebhookInput) (*webhookAnswer, error) {
	c := callOf(ctx)
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	sent := newWebhookInput(found.ConsumerID)
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	if owner, err := s.consumerIn(c, sent.Consumer); err != nil {
		return nil, err
	} else if owner != found.ConsumerID {
		return nil, invalid("consumer", "A webhook stays with its API consumer; create a new one for the other")
	}
	next := *found
	if next.Version, err = seenVersion(found, &sent, in.IfMatch); err != nil {
		return nil, err
	}
	sent.set(&next)
	engine.KeepMasked(next.Headers, found.Headers)
	if err := s.checkWebhook(&next); err != nil {
		return nil, err
	}
	changed, err := s.Store.UpdateWebhook(ctx, c.actor(), next)
	if err != nil {
		return nil, changedMeanwhile(err, in.IfMatch)
	}
	return &webhookAnswer{etag(&changed), webhookOut(&changed)}, nil
}

// deleteWebhook takes a webhook away; its deliveries stay readable.
func (s *server) deleteWebhook(ctx context.Context, in *webhookPath) (*none, error) {
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteWebhook(ctx, callOf(ctx).actor(), found.ID)
}

// webhookAt finds the webhook that a path names, ErrNotFound when there is none or the key does not see it.
func (s *server) webhookAt(ctx context.Context, name string) (*engine.Webhook, error) {
	id, err := engine.ParseID[engine.WebhookID](name)
	if err != nil {
		return nil, engine.ErrNotFound
	}
	found := s.Store.Directory().Webhook(id)
	if found == nil || !callOf(ctx).sees(found.ConsumerID) {
		return nil, engine.ErrNotFound
	}
	return found, nil
}

// checkWebhook asks the engine and the egress guard, so that the client learns of everything at once.
func (s *server) checkWebhook(w *engine.Webhook) error {
	err := w.Validate()
	bad, ok := errors.AsType[engine.InvalidError](err)
	if err != nil && !ok {
		return err
	}
	if u, err := url.Parse(w.URL); err == nil {
		if blocked := s.Guard.CheckURL(u); blocked != nil {
			bad = append(bad, invalid("url", "%s", blocked)...)
		}
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

func etag(w *engine.Webhook) string { return strconv.Quote(strconv.Itoa(w.Version)) }

// seenVersion returns the version that the client says it has read: in If-Match, else in the body.
func seenVersion(found *engine.Webhook, sent *WebhookInput, ifMatch string) (int, error) {
	if ifMatch == "" {
		if sent.Version == 0 {
			return 0, invalid("version", "Send the version that you have read, or its ETag in If-Match")
		}
		return sent.Version, nil
	}
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag(found) {
			return found.Version, nil
		}
	}
	return 0, changedMeanwhile(engine.ErrConflict, ifMatch)
}

// changedMeanwhile makes a conflict of versions the problem that fits the way in which the client sent its version.
func changedMeanwhile(err error, ifMatch string) error {
	const detail = "The webhook has changed since the version sent; read it again and repeat the change"
	if ifMatch != "" && errors.Is(err, engine.ErrConflict) {
		return newProblem(http.StatusPreconditionFailed, detail)
	}
	return conflict(err, detail)
}

// newWebhookInput returns the values that absent fields have.
func newWebhookInput(consumer engine.ConsumerID) WebhookInput {
	w := engine.NewWebhook(consumer)
	return WebhookInput(webhookOut(&w))
}

// set puts what was sent into w. Fields that only the server sets are passed over.
func (in *WebhookInput) set(w *engine.Webhook) {
	w.Name, w.Events, w.Verb, w.URL = in.Name, in.Events, in.Verb, in.URL
	w.Headers = make([]engine.Header, len(in.Headers))
	for i, h := range in.Headers {
		sensitive := engine.SensitiveName(h.Name) || h.Sensitive != nil && *h.Sensitive
		w.Headers[i] = engine.Header{Name: h.Name, Value: engine.Secret(h.Value), Sensitive: sensitive}
	}
	w.SendLabDetails, w.Content, w.ContentType = in.SendLabDetails, in.Content, in.ContentType
	w.Enabled, w.Blocking = in.Enabled, in.Blocking
	w.Delay, w.Timeout, w.Retries = seconds(in.Delay), seconds(in.Timeout), in.Retries
	w.RetryPolicy, w.ErrorAction = in.RetryPolicy, engine.ErrorAction(in.ErrorAction)
	w.NotificationText, w.EndLabConfirmed, w.Description = in.NotificationText, in.EndLabConfirmed, in.Description
}

func webhookOut(w *engine.Webhook) Webhook {
	headers := make([]Header, len(w.Headers))
	for i, h := range w.Headers {
		value := h.Value.Reveal()
		if h.Sensitive {
			value = h.Value.String()
		}
		headers[i] = Header{Name: h.Name, Value: value, Sensitive: &h.Sensitive}
	}
	return Webhook{
		ID: w.ID.String(), Consumer: w.ConsumerID.String(), Name: w.Name, Events: append([]string{}, w.Events...), Verb: w.Verb,
		URL: w.URL, Headers: headers, SendLabDetails: w.SendLabDetails, Content: w.Content, ContentType: w.ContentType,
		Enabled: w.Enabled, Blocking: w.Blocking, Delay: int(w.Delay / time.Second), Timeout: int(w.Timeout / time.Second),
		Retries: w.Retries, RetryPolicy: w.RetryPolicy, ErrorAction: string(w.ErrorAction),
		NotificationText: w.NotificationText, EndLabConfirmed: w.EndLabConfirmed, Description: w.Description, Position: w.Position, Version: w.Version,
		CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(),
	}
}

// seconds keeps a number within what a duration can hold, which the engine then judges.
func seconds(n int) time.Duration {
	const most = 1 << 31
	return time.Duration(min(max(n, -most), most)) * time.Second
}
