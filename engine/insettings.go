package engine

import "cmp"

// orThose returns the limits with what they leave open as the site has it.
func (l Limits) orThose(s *SiteSettings) Limits {
	l.Senders, l.SendersPerWebhook = cmp.Or(l.Senders, s.Senders), cmp.Or(l.SendersPerWebhook, s.SendersPerWebhook)
	return l
}

// userAgent is the User-Agent of requests whose webhook has none of its own.
func (e *Engine) userAgent() string { return cmp.Or(e.store.Settings().UserAgent, e.cfg.UserAgent) }

// useSettings takes over what was changed of the site's settings: who may be called, and how much at once. The rest is
// looked up where it is needed.
func (e *Engine) useSettings() {
	now := e.store.Settings()
	before := e.inForce.Swap(now)
	if before == now {
		return
	}
	e.dispatcher.setLimits(e.cfg.Limits.orThose(now).withDefaults())
	if before.AllowNetworks == now.AllowNetworks && before.RequireHTTPS == now.RequireHTTPS {
		return
	}
	e.cfg.Guard.SetPolicy(now.Networks(), now.RequireHTTPS)
	if e.client != nil {
		e.client.CloseIdleConnections() // they may lead to where none may any more
	}
}

// setLimits changes how many requests may be under way at once. Those that are under way end as they end.
func (d *dispatcher) setLimits(l Limits) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limits.Senders, d.limits.SendersPerWebhook, d.limits.LeastSenders = l.Senders, l.SendersPerWebhook, l.LeastSenders
	for _, q := range d.queues {
		q.limit = min(q.limit, l.SendersPerWebhook)
	}
	for range l.Senders {
		before := d.senders
		if d.start(); d.senders == before {
			return
		}
	}
}
