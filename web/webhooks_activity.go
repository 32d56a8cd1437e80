package web

import (
	"net/http"
	"strings"
	"time"

	"labhook/views"
)

// activityPeriods are the periods that a webhook's activity is drawn for. A bar stands for so many hours.
var activityPeriods = []struct {
	period
	step int
	unit string
}{
	{periods[1], 1, "hour"},
	{periods[2], 6, "6 hours"},
	{periods[3], 24, "day"},
}

// handleWebhookActivity draws what a webhook's hours came to. It reads counters only.
func (s *Server) handleWebhookActivity(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.webhook(w, r)
	if !ok {
		return
	}
	chosen := activityPeriods[0]
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
	// The oldest hour is whole, as it is in the counters.
	since := p.Now.Add(time.Hour - chosen.length).Truncate(time.Hour)
	hours, err := s.store.WebhookHours(r.Context(), hook.ID, since, p.Now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a.Bars = views.NewActivityBars(hours, since, p.Now, chosen.step, p.Zone)
	if a.Failures, err = s.store.WebhookFailures(r.Context(), hook.ID, since, p.Now); err != nil {
		s.fail(w, r, err)
		return
	}
	s.live(w, r, views.WebhookActivity(a), "activity")
}
