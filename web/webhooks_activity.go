package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"labhook/views"
)

// activityPeriods are the periods that a webhook's activity is drawn for. A bar stands for so many hours; 0: for a
// minute.
var activityPeriods = []struct {
	period
	step int
	unit string
}{
	{periods[0], 0, "minute"},
	{periods[1], 1, "hour"},
	{periods[2], 6, "6 hours"},
	{periods[3], 24, "day"},
}

// handleWebhookActivity draws what a webhook's hours came to. It reads counters only, but for the last hour, for which
// they are too coarse.
func (s *Server) handleWebhookActivity(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhook(w, r)
	if !ok {
		return
	}
	chosen := activityPeriods[1]
	for _, p := range activityPeriods {
		if p.name == r.FormValue("period") {
			chosen = p
		}
	}
	p := s.page(r, hook.Name+" activity, "+strings.ToLower(chosen.label), "admin", s.webhookCrumbs(&hook, views.Crumb{Label: string(views.TabActivity)})...)
	a := views.Activity{Page: p, Webhook: hook, Period: chosen.name, Label: chosen.label, Unit: chosen.unit}
	for _, other := range activityPeriods {
		a.Periods = append(a.Periods, views.Link{Text: other.label, URL: views.WebhookActivityURL(hook.ID, other.name), Current: other.name == chosen.name})
	}
	var err error
	if a.Paused, err = s.isPaused(r.Context(), hook.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	if chosen.step == 0 {
		err = s.activityOfMinutes(r.Context(), &a, p.Now.Add(-chosen.length))
	} else {
		// The oldest hour is whole, as it is in the counters.
		err = s.activityOfHours(r.Context(), &a, p.Now.Add(time.Hour-chosen.length).Truncate(time.Hour), chosen.step)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.live(w, r, views.WebhookActivity(a), "activity")
}

// activityOfHours fills in what the counters have, in bars of step hours.
func (s *Server) activityOfHours(ctx context.Context, a *views.Activity, since time.Time, step int) error {
	hours, err := s.store.WebhookHours(ctx, a.Webhook.ID, since, a.Page.Now)
	if err != nil {
		return err
	}
	a.Bars = views.NewActivityBars(hours, since, a.Page.Now, step, a.Page.Zone)
	a.Failures, err = s.store.WebhookFailures(ctx, a.Webhook.ID, since, a.Page.Now)
	return err
}

// activityOfMinutes fills in what became of the deliveries that came since then.
func (s *Server) activityOfMinutes(ctx context.Context, a *views.Activity, since time.Time) error {
	newest, err := s.store.WebhookNewest(ctx, a.Webhook.ID, since)
	a.Bars = views.NewMinuteBars(newest.Minutes, newest.Since, a.Page.Now)
	a.Failures, a.Newest, a.Cut = newest.Failures, &newest, newest.Since.After(since)
	return err
}
