package engine_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"labhook/db/dbtest"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/egress"
)

func setSite(t *testing.T, s *db.Store, group engine.SettingGroup, changes map[string]string) {
	t.Helper()
	stored, err := s.StoredSettings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	site := stored.Site(nil)
	values := map[string]string{}
	for _, one := range group.Settings() {
		values[one.Name] = one.Text(&site)
	}
	for name, value := range changes {
		if _, ok := values[name]; !ok {
			t.Fatalf("no setting %s", name)
		}
		values[name] = value
	}
	if err := s.ChangeSettings(t.Context(), engine.System, group, stored.Versions[group], values); err != nil {
		t.Fatal(err)
	}
}

// TestSettingsTakeEffect changes how much is sent at once and as whom, while the engine runs.
func TestSettingsTakeEffect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.webhook(nil)
		var under, most atomic.Int32
		b.wire.answer = func(context.Context, arrival, int) (int, error) {
			if n := under.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer under.Add(-1)
			time.Sleep(500 * time.Millisecond)
			return http.StatusOK, nil
		}
		setSite(t, b.store, engine.DeliverySettings, map[string]string{"senders_per_webhook": "2", "user_agent": "Contoso/2"})
		burst := func() int32 {
			most.Store(0)
			for range 12 {
				b.post("")
			}
			time.Sleep(time.Minute)
			return most.Load()
		}
		if got := burst(); got != 2 {
			t.Errorf("%d requests at once, want 2", got)
		}
		if got := b.wire.seen()[0].header.Get("User-Agent"); got != "Contoso/2" {
			t.Errorf("sent as %q", got)
		}
		setSite(t, b.store, engine.DeliverySettings, map[string]string{"senders_per_webhook": "6", "senders": "6", "user_agent": ""})
		burst() // each success lets one more go
		if got := burst(); got != 6 {
			t.Errorf("%d requests at once, want 6", got)
		}
		setSite(t, b.store, engine.DeliverySettings, map[string]string{"senders_per_webhook": "1", "senders": "1"})
		if got := burst(); got != 1 {
			t.Errorf("%d requests at once, want 1", got)
		}
		if sent := b.wire.seen(); len(sent) != 48 || sent[47].header.Get("User-Agent") != "Labhook" {
			t.Errorf("%d arrived, the last from %q", len(sent), sent[len(sent)-1].header.Get("User-Agent"))
		}
	})
}

// TestPolicyOfTheSite lets a private network through while the engine runs, and takes it back.
func TestPolicyOfTheSite(t *testing.T) {
	t.Parallel()
	store, guard := dbtest.Open(t), egress.New(egress.Settings{})
	setSite(t, store, engine.SecuritySettings, map[string]string{"allow_networks": "10.1.0.0/16"})
	engine.New(engine.Config{Guard: guard, Log: slog.New(slog.DiscardHandler)}, store)
	check := func(want bool, when string) {
		t.Helper()
		if err := guard.Check(netip.MustParseAddr("10.1.2.3")); (err == nil) != want {
			t.Errorf("%s: %v", when, err)
		}
	}
	check(true, "at the start")
	setSite(t, store, engine.SecuritySettings, map[string]string{"allow_networks": "10.2.0.0/16, 10.3.0.1", "require_https": "true"})
	check(false, "after it was taken away")
	if site := store.Settings(); site.AllowNetworks != "10.2.0.0/16,10.3.0.1/32" || !site.RequireHTTPS {
		t.Errorf("in force: %+v", site)
	}
	if _, err := guard.CheckURL(t.Context(), &url.URL{Scheme: "http", Host: "10.3.0.1"}); err == nil {
		t.Error("http: passes")
	}
	if _, err := guard.CheckURL(t.Context(), &url.URL{Scheme: "https", Host: "10.3.0.1"}); err != nil {
		t.Errorf("https: %v", err)
	}
}

// TestDeactivatedAfterDays switches a webhook off for which nothing got through for a day.
func TestDeactivatedAfterDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engine.Limits{})
		b.wire.answer = func(context.Context, arrival, int) (int, error) { return http.StatusServiceUnavailable, nil }
		setSite(t, b.store, engine.DeliverySettings, map[string]string{"deactivate_after": "1", "pause_attempts": "0"})
		w := b.webhook(func(w *engine.Webhook) { w.Retries = 0 })
		for range 24 {
			b.post("")
			time.Sleep(time.Hour)
		}
		if !b.store.Directory().Webhook(w.ID).Enabled {
			t.Fatal("it was switched off too soon")
		}
		b.post("")
		time.Sleep(time.Minute)
		if got := b.store.Directory().Webhook(w.ID); got.Enabled || got.DeactivateReason != engine.DeactivatedByFailing {
			t.Errorf("after a day it is on: %t, %s", got.Enabled, got.DeactivateReason)
		}
		if s, err := b.store.Streak(t.Context(), w.ID); err != nil || s.Paused() {
			t.Errorf("it was paused, which nothing is: %+v, %v", s, err)
		}
	})
}
