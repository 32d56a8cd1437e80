package e2e

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/web"
)

// longName has to wrap somewhere on a telephone.
const longName = "A customer with a very long name that has to wrap somewhere on a telephone"

// stage is a site with a little of everything. What the matrix names in braces stands in names.
type stage struct {
	*site
	t     *testing.T
	y     story
	names map[string]string
}

// newStage fills a site: everything that takes time happened before its engine starts, and nothing is due for the next
// hour, so that the pages stay as they are.
func newStage(t *testing.T) *stage {
	t.Helper()
	g := &stage{site: newStillSite(t, withBackups), t: t, names: map[string]string{}}
	g.y = story{t: t, s: g.site, start: time.Now().Add(-40 * time.Minute).Truncate(time.Millisecond)}
	g.addUser(t)
	g.addUsers(t)
	g.people()
	g.consumers()
	g.eventTypes()
	g.webhooks()
	g.lab()
	g.outcomes()
	g.failing(engine.LabSaving, engine.FailingAfter) // the one with the long name
	g.failing(engine.LabTransferToUser, engine.PauseAttempts)
	g.name("waiting", story{t: t, s: g.site, start: time.Now()}.post(0, 7, engine.LabTransferToUser)[0].ID)
	g.declare(t, "198.51.100.7 first gateway\n198.51.100.8 second gateway\n2001:db8:ffff:ffff:ffff:ffff:ffff:7 office\n2001:db8:1::/48",
		func(l *engine.EgressList) {
			l.Public, l.ValidUntil = true, time.Date(2030, 6, 30, 18, 0, 0, 0, time.UTC)
		})
	g.must(g.store.SetEgressSeen(t.Context(), engine.System, engine.EgressSeen{At: time.Now(), Address: netip.MustParseAddr("203.0.113.200")}))
	g.backedUp()
	g.start(t)
	g.afterStart()
	return g
}

func (g *stage) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// name says what a name in braces stands for.
func (g *stage) name(name string, id interface{ String() string }) { g.names[name] = id.String() }

// failing stores deliveries that failed within the last minute.
func (g *stage) failing(code string, n int) { g.y.failing(code, n) }

// fill puts the ids in a path of the matrix.
func (g *stage) fill(path string) string {
	for name, id := range g.names {
		path = strings.ReplaceAll(path, "{"+name+"}", id)
	}
	return path
}

// people are users in every state.
func (g *stage) people() {
	g.t.Helper()
	users, err := g.store.Users(g.t.Context())
	g.must(err)
	for _, u := range users {
		if u.Enabled {
			g.name(strings.ToLower(strings.Fields(u.Name)[0]), u.ID)
		} else {
			g.name("gone-user", u.ID)
		}
	}
	hash, err := web.HashPassword(password)
	g.must(err)
	for login, name := range map[string]string{"grace": "Grace Hopper", "noor": "Noor Haddad"} {
		u, err := g.store.CreateUser(g.t.Context(), engine.Actor{Name: "Dana Ortiz"}, engine.User{Login: login, Name: name, Role: engine.RoleViewer, Enabled: true}, hash)
		g.must(err)
		g.name(login, u.ID)
	}
}

// consumers are active, disabled, expired, without webhooks, and one with a long name; and keys of all kinds.
func (g *stage) consumers() {
	g.t.Helper()
	for name, c := range map[string]engine.APIConsumer{
		"contoso": {
			Name: "Contoso LMS", ExternalID: "contoso", Enabled: true, TechnicalContact: "operations@contoso.example", ConsumingPlatform: "Moodle",
			ConsumingPlatformVersion: "4.5", DefaultOrganization: "Customers", Description: "First line\nsecond line",
		},
		"fabrikam": {Name: "Fabrikam Academy", DefaultOrganization: "Customers", ConsumingPlatform: "Canvas"},
		"expired":  {Name: "Northwind Training", Enabled: true, Expires: time.Now().Add(-24 * time.Hour), ConsumingPlatform: "Open edX"},
		"bare":     {Name: longName, Enabled: true, ExternalID: "a-long-external-id-without-any-place-to-break-it-0123456789"},
	} {
		c, err := g.store.CreateConsumer(g.t.Context(), engine.Actor{Name: "Dana Ortiz", IP: "192.0.2.17"}, c)
		g.must(err)
		g.name(name, c.ID)
		if name != "contoso" {
			continue
		}
		for _, owner := range []engine.ConsumerID{c.ID, 0} {
			for _, scope := range []engine.Scope{engine.ScopeSend, engine.ScopeManage} {
				k := engine.APIKey{ConsumerID: owner, Description: "Key of the lab platform in Vienna", Scope: scope}
				k, _, err := g.store.CreateKey(g.t.Context(), engine.System, k)
				g.must(err)
				g.name(map[bool]string{true: "platform-key", false: "key"}[owner == 0], k.ID)
			}
		}
	}
}

// eventTypes are those of an administrator: one that webhooks listen to and one that nobody knows yet.
func (g *stage) eventTypes() {
	g.t.Helper()
	for name, kind := range map[string]engine.OwnEventType{
		"own": badge, "unused-type": {Code: "seat.freed", Label: "Seat freed", Sample: `{"seat": 7}`},
	} {
		stored, err := g.store.CreateEventType(g.t.Context(), engine.Actor{Name: "Dana Ortiz"}, kind)
		g.must(err)
		g.names[name] = stored.Code
	}
}

// add stores a webhook of Contoso for one event, with retries that take hours.
func (g *stage) add(key, name, code string, changes ...func(*engine.Webhook)) {
	g.t.Helper()
	var consumer engine.ConsumerID
	g.must(consumer.UnmarshalText([]byte(g.names["contoso"])))
	g.name(key, g.addWebhook(g.t, consumer, append([]func(*engine.Webhook){func(w *engine.Webhook) {
		w.Name, w.URL, w.Events, w.Retries = name, "https://hooks.example.com/lab/"+key+"?tenant=contoso", []string{code}, 5
	}}, changes...)...).ID)
}

func blocking(w *engine.Webhook) { w.Blocking = true }

// webhooks are one for each thing that can be said about a webhook.
func (g *stage) webhooks() {
	g.t.Helper()
	g.add("seats", "Provision seats", engine.LabPreBuild, blocking)
	g.add("counter", "A counter with a very long name that has to wrap somewhere on a telephone", engine.LabPreBuild)
	g.add("greeting", "Greeting", engine.LabFirstDisplayable, blocking, func(w *engine.Webhook) { w.ErrorAction, w.Retries = engine.ErrorActionNotifyUser, 0 })
	g.add("scored", "LMS – lab scored", engine.LabScored, blocking, func(w *engine.Webhook) { // whose gate stays closed
		w.RetryPolicy, w.Custom = engine.CustomPolicyName, engine.CustomPolicy
		w.Custom.Waits = []time.Duration{time.Hour}
	})
	g.add("reports", "Reports", engine.LabScored)
	g.add("archive", "Archive", engine.LabTearingDown, blocking)
	g.add("teardown", "Reports of teardown", engine.LabTearingDown)
	g.add("saved", "LMS – lab saved", engine.LabSaved)
	g.add("later", "Survey a day later", engine.LabTornDown, func(w *engine.Webhook) { w.Delay = engine.MaxDelay })
	g.add("full", longName, engine.LabSaving, func(w *engine.Webhook) {
		w.URL = "https://hooks.example.com/a/long/path/that/has/to/wrap/somewhere?with=a&query=that-goes-on-and-on-and-on"
		w.Delay, w.ErrorAction, w.SendLabDetails = 0, engine.ErrorActionNotifyUser, false
		w.Headers = []engine.Header{{Name: "Authorization", Value: "secret", Sensitive: true}}
		w.Content, w.Description = `{"a": "`+strings.Repeat("long text that goes on and on ", 5)+`"}`, "First line\nsecond line"
	})
	g.add("paused", "Paused", engine.LabTransferToUser, func(w *engine.Webhook) {
		w.URL, w.RetryPolicy, w.Retries = "https://hooks.example.com/{id}", "skilljar", 60
		w.BasicAuth = engine.BasicAuth{Username: "hooks", Password: "secret"}
		w.Signing, w.RateLimit = engine.Signing{Scheme: engine.SigningV1a}, 5
	})
	g.add("gone", "Gone", engine.LabResuming, func(w *engine.Webhook) { w.RetryPolicy, w.Retries = engine.StandardPolicy.Name, 7 })
	g.add("idle", "Unused", engine.LabSavedPreinstanceAssigned)
	g.add("off", "Switched off", engine.AllEvents, func(w *engine.Webhook) { w.Enabled = false })
	g.add("badges", "Badges", badge.Code)
	g.add("classes", "Class register", engine.TMSClassChanged)
	g.changed("classes")
}

// changed changes settings of all kinds of a webhook, as somebody else did.
func (g *stage) changed(key string) {
	g.t.Helper()
	var id engine.WebhookID
	g.must(id.UnmarshalText([]byte(g.names[key])))
	w, err := g.store.Webhook(g.t.Context(), id)
	g.must(err)
	w.Name, w.URL, w.Verb = "Class register of "+longName, "https://hooks.example.com/a/long/path/that/has/to/wrap/somewhere?tenant=contoso", "PUT"
	w.Headers = []engine.Header{{Name: "Authorization", Value: "secret", Sensitive: true}}
	w.Timeout, w.Blocking, w.SendLabDetails, w.Content = 20*time.Second, true, false, "{\n  \"class\": \"@lab.Event.Id\",\n  \"text\": \"long text that goes on and on and on and on\"\n}"
	_, err = g.store.UpdateWebhook(g.t.Context(), engine.Actor{Name: "Dana Ortiz"}, w)
	g.must(err)
}

// withBackups has backups made every day.
func withBackups(c *web.Config) {
	c.Backup = web.BackupPlan{Dir: "/backup", Every: 24 * time.Hour, Keep: 7}
}

// lastBackup is one that was made in the night.
func lastBackup() db.BackupState {
	return db.BackupState{At: time.Now().Add(-9 * time.Hour), File: "/backup/labhook-20260301T020000Z.tar", Size: 48 << 20, Took: 1200 * time.Millisecond}
}

func (g *stage) backedUp() {
	g.t.Helper()
	g.must(g.store.SetBackupState(g.t.Context(), lastBackup()))
}
