package web

import (
	"context"
	"fmt"
	"slices"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/views"
)

const (
	// littleSpace is how many bytes free on the disk call for attention.
	littleSpace = 1 << 30
	// attentionRead is how many gates and failing webhooks are looked at.
	attentionRead = 200
	// failuresNoticed is how many deliveries must fail in a day to call for attention, if they are the most.
	failuresNoticed = 10
	recentWebhooks  = 5
	// A webhook is slow when 95 % of its answers stay within more than a slowShare of its timeout: a little more load,
	// and it begins to fail. slowAnswers is how many there must be, in the hour that runs and the one before it.
	slowShare   = 0.5
	slowAnswers = 20
)

// attention lists what somebody should look at, by what it does to labs: the disk, gates, then webhooks that are off,
// paused, failing or slow.
func (s *Server) attention(ctx context.Context, p views.Page, free int64) ([]views.Attention, error) {
	var list []views.Attention
	if free >= 0 && free < littleSpace {
		list = append(list, views.Attention{
			About: views.Link{Text: "Disk of the database"},
			What:  fmt.Sprintf("Only %s are free. When nothing is left, events are refused.", views.Bytes(free)),
		})
	}
	gates, err := s.lateGates(ctx, p.Now)
	if err != nil {
		return nil, err
	}
	list = append(list, gates...)
	streaks, err := s.store.Streaks(ctx, attentionRead)
	if err != nil {
		return nil, err
	}
	health, err := s.store.AllWebhookHealth(ctx, p.Now)
	if err != nil {
		return nil, err
	}
	durations, err := s.store.LatestDurations(ctx, p.Now)
	if err != nil {
		return nil, err
	}
	failing := failingWebhooks(streaks, health)
	causes, err := s.store.TopFailures(ctx, failing, p.Now.Add((1-db.HealthHours)*time.Hour), p.Now)
	if err != nil {
		return nil, err
	}
	return append(list, s.webhookAttention(p, streaks, health, causes, durations)...), nil
}

// failingWebhooks are those of which the screen says what their failures come to.
func failingWebhooks(streaks []engine.Streak, health map[engine.WebhookID]db.WebhookHealth) []engine.WebhookID {
	var ids []engine.WebhookID
	for _, streak := range streaks {
		if streak.Paused() || streak.Failing() {
			ids = append(ids, streak.WebhookID)
		}
	}
	for id, h := range health {
		if failsMostly(h) && len(ids) < attentionRead && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// failsMostly reports whether more deliveries failed in a day than were delivered, and not just a few.
func failsMostly(h db.WebhookHealth) bool {
	return h.Failed >= failuresNoticed && h.Failed > h.Delivered
}

// lateGates lists the gates that are closed for longer than a person expects, or whose last attempt failed.
func (s *Server) lateGates(ctx context.Context, now time.Time) ([]views.Attention, error) {
	gates, err := s.store.OldestGates(ctx, attentionRead)
	if err != nil {
		return nil, err
	}
	var list []views.Attention
	for _, g := range gates {
		late := now.After(g.OpensBy)
		failed := g.State == engine.StateRetrying
		if !late && !failed && now.Sub(g.ClosedAt) <= views.LongGate {
			continue
		}
		one := s.aboutWebhook(g.WebhookID)
		one.Since = g.ClosedAt
		one.What = "Its gate keeps lab instance " + g.Subject + " waiting."
		switch {
		case late:
			one.What += " It should have opened by itself already."
		case failed:
			one.What += " The last attempt to open it failed."
		}
		one.Next = views.Link{Text: "See what waits", URL: views.GateURL(g.Subject, g.DeliveryID)}
		list = append(list, one)
	}
	return list, nil
}

// webhookAttention lists the webhooks that were switched off by themselves, then those that are paused, then those
// that fail, then those that are slow.
func (s *Server) webhookAttention(
	p views.Page, streaks []engine.Streak, health map[engine.WebhookID]db.WebhookHealth,
	causes map[engine.WebhookID]engine.FailureCount, durations map[engine.WebhookID]engine.Durations,
) []views.Attention {
	var off, paused, failing, slow []views.Attention
	of := make(map[engine.WebhookID]engine.Streak, len(streaks))
	for _, streak := range streaks {
		of[streak.WebhookID] = streak
	}
	dir := s.store.Directory()
	for _, c := range dir.Consumers() {
		for _, w := range dir.Webhooks(c.ID) {
			one, streak, h := s.aboutWebhook(w.ID), of[w.ID], health[w.ID]
			switch {
			case !w.Enabled && w.DeactivateReason.ByItself():
				one.What, one.Since = "Deactivated: "+w.DeactivateReason.Words()+".", w.DeactivatedAt
				if p.Can(engine.RoleDeveloper) {
					one.Next = views.Link{Text: "Recover failed…", URL: views.WebhookRecoverURL(w.ID)}
				}
				off = append(off, one)
			case dir.Unusable(w.ID, p.Now) != "":
			case streak.Paused():
				one.What, one.Since = "Paused: "+inARow(streak, h, causes[w.ID]), streak.Since
				one.Next = failedOf(w.ID)
				paused = append(paused, one)
			case streak.Failing():
				one.What, one.Since = "Failing: "+inARow(streak, h, causes[w.ID]), streak.Since
				one.Next = failedOf(w.ID)
				failing = append(failing, one)
			case failsMostly(h):
				one.What = fmt.Sprintf("Failing: %s of %s deliveries failed in the last 24 hours%s.",
					views.Number(h.Failed), views.Number(h.Failed+h.Delivered), mostly(causes[w.ID]))
				one.Next = failedOf(w.ID)
				failing = append(failing, one)
			default:
				if one.What = slowWords(w, durations[w.ID]); one.What != "" {
					one.Next = views.Link{Text: "Response times", URL: views.WebhookActivityURL(w.ID, "")}
					slow = append(slow, one)
				}
			}
		}
	}
	return slices.Concat(off, paused, failing, slow)
}

// slowWords says that a webhook is slow; "" when it is not.
func slowWords(w *engine.Webhook, d engine.Durations) string {
	most := d.Quantile(0.95)
	if d.Total() < slowAnswers || float64(most) <= slowShare*float64(w.Timeout) {
		return ""
	}
	return fmt.Sprintf("Slow: 1 answer of 20 took longer than about %s, and its timeout is %s.", views.About(most), views.Duration(w.Timeout))
}

// inARow says how long nothing has got through, and why: what most failures of the day came to, and the last one where
// that was something else.
func inARow(streak engine.Streak, h db.WebhookHealth, cause engine.FailureCount) string {
	text := views.Plural(streak.Attempts, "attempt", "attempts") + " failed in a row" + mostly(cause)
	if !h.LastAt.IsZero() && (h.LastClass != cause.Class || h.LastStatus != cause.Status) {
		text += ", the last with " + views.AnswerWord(h.LastClass, h.LastStatus)
	}
	return text + "."
}

// mostly names the most frequent cause; "" for none.
func mostly(cause engine.FailureCount) string {
	if cause.Attempts == 0 {
		return ""
	}
	return ", mostly " + views.AnswerWord(cause.Class, cause.Status)
}

// failedOf leads to the failed deliveries of a webhook.
func failedOf(id engine.WebhookID) views.Link {
	return views.Link{Text: "Failed deliveries", URL: views.DeliveriesURL(views.CountedToday(engine.StateFailed, "webhook", id.String())...)}
}

func (s *Server) aboutWebhook(id engine.WebhookID) views.Attention {
	dir := s.store.Directory()
	one := views.Attention{About: views.Link{Text: webhookName(dir, id), URL: views.WebhookURL(id)}}
	if w := dir.Webhook(id); w != nil {
		one.Consumer = views.Link{Text: consumerName(dir, w.ConsumerID), URL: views.ConsumerURL(w.ConsumerID)}
	}
	return one
}

// recentlyChanged returns the webhooks that were changed last, the latest first.
func (s *Server) recentlyChanged() []*engine.Webhook {
	var all []*engine.Webhook
	dir := s.store.Directory()
	for _, c := range dir.Consumers() {
		all = append(all, dir.Webhooks(c.ID)...)
	}
	slices.SortFunc(all, func(a, b *engine.Webhook) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
	return all[:min(len(all), recentWebhooks)]
}
