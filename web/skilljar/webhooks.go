package skilljar

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"labhook/engine"
)

// create makes a webhook.
func (s *server) create(c *call) error {
	in, err := readRequest(c, true)
	if err != nil {
		return err
	}
	next := newWebhook(c.key.ConsumerID)
	in.apply(&next)
	next.Name = s.freeName(c.key.ConsumerID)
	if err := s.check(c, &next); err != nil {
		return err
	}
	made, err := s.Store.CreateWebhook(c.r.Context(), c.actor(), next)
	for err != nil {
		name := s.freeName(c.key.ConsumerID)
		if name == next.Name {
			return err
		}
		next.Name = name // another request was faster
		made, err = s.Store.CreateWebhook(c.r.Context(), c.actor(), next)
	}
	out := webhookOut(&made)
	c.w.Header().Set("Location", s.BaseURL(c.r)+webhooksPath+"/"+out.ID)
	writeJSON(c.w, http.StatusCreated, out)
	return nil
}

// freeName returns a name that no webhook of the consumer has. The platform knows none.
func (s *server) freeName(consumer engine.ConsumerID) string {
	others := s.Store.Directory().Webhooks(consumer)
	name := "Skilljar webhook"
	for n := 2; slices.ContainsFunc(others, func(w *engine.Webhook) bool { return w.Name == name }); n++ {
		name = fmt.Sprintf("Skilljar webhook %d", n)
	}
	return name
}

// read answers with one webhook.
func (s *server) read(c *call) error {
	found, err := s.find(c)
	if err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, c.webhookOut(found))
	return nil
}

// replace changes a webhook by PUT.
func (s *server) replace(c *call) error { return s.change(c, true) }

// patch changes the fields of a webhook that are sent.
func (s *server) patch(c *call) error { return s.change(c, false) }

// change changes a webhook. The platform has no versions: a change that comes between is not undone, as only the
// fields that were sent are set.
func (s *server) change(c *call, whole bool) error {
	if _, err := s.find(c); err != nil {
		return err
	}
	in, err := readRequest(c, whole)
	if err != nil {
		return err
	}
	for {
		found, err := s.find(c)
		if err != nil {
			return err
		}
		next := *found
		in.apply(&next)
		if err := s.check(c, &next); err != nil {
			return err
		}
		changed, err := s.Store.UpdateWebhook(c.r.Context(), c.actor(), next)
		if errors.Is(err, engine.ErrConflict) {
			continue // it was changed since it was found
		}
		if err != nil {
			return err
		}
		writeJSON(c.w, http.StatusOK, webhookOut(&changed))
		return nil
	}
}

// readRequest reads what a request says about a webhook. When it is whole, as in POST and PUT, target_url must be
// among it and active has its default.
func readRequest(c *call, whole bool) (input, error) {
	fields, err := readValues(c.w, c.r)
	if err != nil {
		return input{}, err
	}
	in, bad := readInput(fields)
	if _, given := fields["target_url"]; whole && !given {
		bad.add("target_url", "This field is required. Send the URL that events are posted to.")
	}
	if whole && in.active == nil {
		in.active = new(true)
	}
	if len(bad) > 0 {
		return in, &refusal{http.StatusBadRequest, bad, http.Header{}}
	}
	return in, nil
}

// check asks the engine and the egress guard, so that the client learns of everything at once.
func (s *server) check(c *call, w *engine.Webhook) error {
	err := w.Validate(s.Store.Directory().Catalog())
	bad, ok := errors.AsType[engine.InvalidError](err)
	if err != nil && !ok {
		return err
	}
	wrongURL := slices.ContainsFunc(bad, func(one engine.Invalid) bool { return one.Field == "url" })
	if u, err := url.Parse(w.URL); err == nil && !wrongURL {
		if _, blocked := s.Guard.CheckURL(c.r.Context(), u); blocked != nil {
			bad = append(bad, engine.Invalid{Field: "url", Message: strings.TrimSuffix(blocked.Error(), ".")})
		}
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// remove deletes a webhook.
func (s *server) remove(c *call) error {
	found, err := s.find(c)
	if err != nil {
		return err
	}
	if err := s.Store.DeleteWebhook(c.r.Context(), c.actor(), found.ID); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// pinged is what came of a ping.
type pinged struct {
	Succeeded      bool   `json:"succeeded"`
	HTTPStatusCode *int   `json:"http_status_code"` // null: no answer came
	Message        string `json:"message"`
}

// ping asks the receiver of a webhook whether it answers. A ping that fails is not tried again and deactivates nothing.
func (s *server) ping(c *call) error {
	found, err := s.find(c)
	if err != nil {
		return err
	}
	tested, err := s.Engine.Ping(c.r.Context(), c.actor(), found.ID)
	if err != nil {
		return err
	}
	a := &tested.Attempt
	out := pinged{Succeeded: a.Outcome.Kind == engine.OutcomeDelivered, Message: "No answer came"}
	status := 0
	if a.Answer != nil {
		status = a.Answer.StatusCode
		out.HTTPStatusCode, out.Message = &status, strings.TrimSpace(fmt.Sprint(status, " ", a.Answer.Reason))
	}
	if !out.Succeeded {
		out.Message += ": " + a.Outcome.Class.Advice(status)
	}
	writeJSON(c.w, http.StatusOK, out)
	return nil
}
