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
	Type     string `query:"type" doc:"Code or label of an event type: only webhooks that hear of it"`
	Enabled  choice `query:"enabled" doc:"Only webhooks that are in use, or only others"`
	Onward
}

// listWebhooks answers with the webhooks that the key sees, oldest first.
func (s *server) listWebhooks(ctx context.Context, in *listWebhooksInput) (*listAnswer[Webhook], error) {
	var (
		bad  engine.InvalidError
		seen []*engine.Webhook
	)
	owner, err := s.consumerIn(callOf(ctx), in.Consumer)
	if err != nil {
		return nil, err
	}
	dir := s.Store.Directory()
	code := eventTypeIn(&bad, dir.Catalog(), in.Type)
	before, after := webhookList.readCursors(&bad, in.Before, in.After)
	if len(bad) > 0 {
		return nil, bad
	}
	for _, c := range dir.Consumers() {
		if owner == 0 || owner == c.ID {
			seen = append(seen, dir.Webhooks(c.ID)...)
		}
	}
	enabled := in.Enabled.bool()
	seen = slices.DeleteFunc(seen, func(w *engine.Webhook) bool {
		return enabled != nil && w.Enabled != *enabled || code != "" && !w.ListensTo(code)
	})
	slices.SortFunc(seen, func(a, b *engine.Webhook) int { return cmp.Compare(a.ID, b.ID) })
	write, err := s.webhookWriter(ctx)
	if err != nil {
		return nil, err
	}
	id := func(w *engine.Webhook) engine.WebhookID { return w.ID }
	return oldestFirst(ctx, webhookList, partOf(seen, id, before, after, in.Limit), id, write), nil
}

// webhookWriter returns what writes webhooks of a list in the form of the API.
func (s *server) webhookWriter(ctx context.Context) (func(*engine.Webhook) Webhook, error) {
	paused, err := s.Store.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	until := make(map[engine.WebhookID]time.Time, len(paused))
	for _, streak := range paused {
		until[streak.WebhookID] = streak.PausedUntil
	}
	return func(w *engine.Webhook) Webhook {
		out := callOf(ctx).webhookOut(w)
		out.PausedUntil = timeOrNull(until[w.ID])
		return out
	}, nil
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

// webhookAnswer writes a webhook that is there.
func (s *server) webhookAnswer(ctx context.Context, w *engine.Webhook) (*webhookAnswer, error) {
	streak, err := s.Store.Streak(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	out := &webhookAnswer{etag(w), callOf(ctx).webhookOut(w)}
	out.Body.PausedUntil = timeOrNull(streak.PausedUntil)
	return out, nil
}

// createWebhook makes a webhook. The answer is the one that shows its signing secret.
func (s *server) createWebhook(ctx context.Context, _ *none) (*createdWebhook, error) {
	c := callOf(ctx)
	sent := newWebhookInput(s.Store.Settings(), 0)
	given, err := decodeGiven(c.body, &sent)
	if err != nil {
		return nil, err
	}
	owner, err := s.consumerIn(c, sent.Consumer)
	if err == nil && owner == 0 {
		err = invalid("consumer", "Name the API consumer that the webhook is for, by its id or external id")
	}
	if err != nil {
		return nil, err
	}
	next := s.Store.Settings().NewWebhook(owner)
	bad := sent.set(s.Store.Directory().Catalog(), given, &next)
	warning, err := s.checkWebhook(ctx, bad, &next)
	if err != nil {
		return nil, err
	}
	made, err := s.Store.CreateWebhook(ctx, c.actor(), next)
	if err != nil {
		return nil, nested(err)
	}
	out := &createdWebhook{Prefix + "/webhooks/" + made.ID.String(), etag(&made), webhookOut(&made)}
	out.Body.Signing.Secret = made.Signing.Secret.Reveal()
	out.Body.Warnings = append(out.Body.Warnings, warning...)
	return out, nil
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
	return s.webhookAnswer(ctx, found)
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
	sent := newWebhookInput(s.Store.Settings(), found.ConsumerID)
	given, err := decodeGiven(c.body, &sent)
	if err != nil {
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
	bad := sent.set(s.Store.Directory().Catalog(), given, &next)
	next.KeepMasked(found)
	warning, err := s.checkWebhook(ctx, bad, &next)
	if err != nil {
		return nil, err
	}
	changed, err := s.Store.UpdateWebhook(ctx, c.actor(), next)
	if err != nil {
		return nil, nested(changedMeanwhile(err, in.IfMatch))
	}
	out, err := s.webhookAnswer(ctx, &changed)
	if err == nil {
		out.Body.Warnings = append(out.Body.Warnings, warning...)
	}
	return out, err
}

type deleteWebhookInput struct {
	Wh      string `path:"wh"`
	IfMatch string `header:"If-Match" doc:"The ETag that was read, so that a webhook that has changed since is kept; absent: any"`
}

// deleteWebhook takes a webhook away; its deliveries stay readable.
func (s *server) deleteWebhook(ctx context.Context, in *deleteWebhookInput) (*none, error) {
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	version := 0
	if in.IfMatch != "" {
		if version, err = matchedVersion(found, in.IfMatch); err != nil {
			return nil, err
		}
	}
	err = s.Store.DeleteWebhookSeen(ctx, callOf(ctx).actor(), found.ID, version)
	return nil, changedMeanwhile(err, in.IfMatch)
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

// checkWebhook asks the engine and the egress guard, so that the client learns of everything at once. bad is what was
// found wrong before. What is only doubtful now, such as a name that nobody knows, is a warning.
func (s *server) checkWebhook(ctx context.Context, bad engine.InvalidError, w *engine.Webhook) (warning []string, err error) {
	err = w.Validate(s.Store.Directory().Catalog())
	found, ok := errors.AsType[engine.InvalidError](err)
	if err != nil && !ok {
		return nil, err
	}
	bad = append(bad, found...)
	wrongURL := slices.ContainsFunc(bad, func(one engine.Invalid) bool { return one.Field == "url" })
	if u, err := url.Parse(w.URL); err == nil && !wrongURL {
		doubt, blocked := s.Guard.CheckURL(ctx, u)
		if blocked != nil {
			bad = append(bad, invalid("url", "%s", blocked)...)
		} else if doubt != "" {
			warning = []string{doubt}
		}
	}
	if len(bad) > 0 {
		return nil, nested(bad)
	}
	return warning, nil
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
	return matchedVersion(found, ifMatch)
}

// matchedVersion returns the version of a webhook when its ETag is among those of If-Match.
func matchedVersion(found *engine.Webhook, ifMatch string) (int, error) {
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
