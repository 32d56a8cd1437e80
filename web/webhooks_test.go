package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

func TestPreviewShowsWhatIsSent(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, enginetest.Guard())
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	receiver := enginetest.NewReceiver(t, "200")
	for name, pairs := range map[string][]string{
		"lab details": {"body", views.BodyLabDetails},
		"own content": {"content", `{"hello": "world"}`, "verb", "PATCH"},
		"no body":     {"verb", "GET"},
	} {
		t.Run(name, func(t *testing.T) {
			form := with(goodForm(), append([]string{"name", name, "url", receiver.URL + "/hook?a=b", "delay", "0", "events", engine.LabScored}, pairs...)...)
			preview := b.post(views.WebhookPreviewURL(c.ID), form, "HX-Request", "true")
			if preview.status != http.StatusOK || preview.doc.Find("nav").Length() != 0 {
				t.Fatalf("status %d", preview.status)
			}
			if got := len(b.store.Directory().Webhooks(c.ID)); got != 0 {
				t.Fatalf("the preview left %d webhooks", got)
			}
			a := b.post(views.NewWebhookURL(c.ID), form)
			if a.status != http.StatusSeeOther {
				t.Fatalf("status %d, problems %v", a.status, summary(a))
			}
			before := len(receiver.Arrived())
			e := enginetest.Event()
			e.ID = 0
			if _, err := b.engine.Accept(t.Context(), &e); err != nil {
				t.Fatal(err)
			}
			got := receiver.Wait(t, before+1)[before]
			shown := preview.doc.Find("#preview pre").First().Text()
			if first := got.Verb + " " + got.Path + "?" + got.RawQuery + " HTTP/1.1"; !strings.HasPrefix(shown, first+"\n") {
				t.Errorf("the request begins with %q, the preview with %.60q", first, shown)
			}
			for header, values := range got.Header {
				want := header + ": " + values[0]
				switch header {
				case "Authorization":
					want = "Authorization: ••••"
				case "Accept-Encoding":
					continue
				case "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "Labhook-Event-Id", "Svix-Id", "Svix-Timestamp", "Svix-Signature":
					want = header + ": " // which differs
				}
				if !strings.Contains(shown+"\n", want) {
					t.Errorf("the preview lacks %q:\n%s", want, shown)
				}
			}
			if body := preview.doc.Find("#preview pre[aria-label=Body]").Text(); compact(body) != compact(string(got.Body)) {
				t.Errorf("body %s, the preview shows %s", got.Body, body)
			}
			if err := b.store.DeleteWebhook(t.Context(), engine.System, b.store.Directory().Webhooks(c.ID)[0].ID); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func compact(s string) string { return strings.Join(strings.Fields(s), "") }

func TestPreviewButtonSavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	for _, path := range []string{views.NewWebhookURL(w.ConsumerID), views.WebhookEditURL(w.ID)} {
		a := b.post(path, with(goodForm(), "op", "preview", "retries", "2", "delay", "10"))
		if a.status != http.StatusOK || len(summary(a)) != 0 {
			t.Fatalf("%s: status %d", path, a.status)
		}
		if got := a.doc.Find("#plan-table tbody tr").Length(); got != 4 {
			t.Errorf("%s: %d rows for 3 attempts", path, got)
		}
		if got := formValues(t, a, path).Get("name"); got != "LMS – lab scored" {
			t.Errorf("%s: name %q", path, got)
		}
	}
	if hooks := b.store.Directory().Webhooks(w.ConsumerID); len(hooks) != 1 || hooks[0].Version != 1 {
		t.Errorf("%d webhooks, version %d", len(hooks), hooks[0].Version)
	}
	a := b.post(views.NewWebhookURL(w.ConsumerID), with(goodForm(), "op", "preview", "retries", "x", "url", "y"))
	for _, want := range []string{"There is no timeline yet: Retries must be", "There is no request yet: Enter a URL that starts"} {
		if !strings.Contains(a.text("#preview"), want) {
			t.Errorf("the preview does not say %q", want)
		}
	}
}

func TestWebhookPageSaysHowItDoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleDeveloper)
	w := b.addWebhook(b.addConsumer("Contoso").ID, "Scores")
	url := views.WebhookURL(w.ID)
	state := func(want string) {
		t.Helper()
		if a := b.get(url); a.status != http.StatusOK || !strings.HasPrefix(a.text(".state"), want) {
			t.Errorf("status %d, state %q, want %q", a.status, a.text(".state"), want)
		}
	}
	state("Nothing was sent in the last 24 hours.")
	b.record(b.addDelivery(&w), engine.OutcomeDelivered, "")
	state("Working: last answer 200 at ")
	b.record(b.addDelivery(&w), engine.OutcomeGiveUp, engine.ClassStatus)
	state("Failing: last answer 503 at ")
	b.record(b.addDelivery(&w), engine.OutcomeGiveUp, engine.ClassTimeout)
	state("Failing since ")
	if got := b.get(url).text(".state"); !strings.Contains(got, `2 attempts in a row: last attempt ended in "timeout" at `) {
		t.Errorf("state %q", got)
	}
	if got := b.get(url).doc.Find("#latest-table tbody tr").Length(); got != 3 {
		t.Errorf("%d latest deliveries", got)
	}

	if a := b.post(views.WebhookDisableURL(w.ID), nil); a.status != http.StatusSeeOther {
		t.Fatalf("disable: status %d", a.status)
	}
	state("Disabled by hand at ")
	if a := b.post(views.WebhookEnableURL(w.ID), nil); a.status != http.StatusSeeOther {
		t.Fatalf("enable: status %d", a.status)
	}
	state("Failing: last attempt ended in ") // what came before the switch counts no more

	ask := b.get(views.WebhookDeleteURL(w.ID))
	if got := ask.text("button.danger"); ask.status != http.StatusOK || got != "Delete Webhook" {
		t.Errorf("status %d, button %q", ask.status, got)
	}
	if a := b.post(views.WebhookDeleteURL(w.ID), nil); a.header.Get("Location") != views.ConsumerURL(w.ConsumerID) {
		t.Fatalf("delete: status %d", a.status)
	}
	state("The webhook was deleted.")
	if b.get(url).doc.Find("a:contains('Edit'), a:contains('Delete')").Length() != 0 {
		t.Error("a deleted webhook has controls")
	}
	for _, path := range []string{views.WebhookEditURL(w.ID), views.WebhookDeleteURL(w.ID)} {
		if a := b.get(path); a.header.Get("Location") != url {
			t.Errorf("%s: status %d", path, a.status)
		}
	}
}

func TestWebhookPathsThatNameNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	for _, path := range []string{
		"/webhooks/x", "/webhooks/wh_0000000000001", "/webhooks/wh_0000000000001/edit", "/webhooks/con_0000000000001",
		"/deliveries/x", "/deliveries/dlv_0000000000001", "/deliveries/dlv_0000000000001/attempts/1/response.raw",
		"/events/x", "/events/evt_0000000000001", "/events/evt_0000000000001/data.raw", views.ConsumersURL() + "/con_0000000000001/webhooks/new",
	} {
		if got := b.get(path).status; got != http.StatusNotFound {
			t.Errorf("%s: status %d", path, got)
		}
	}
}

// Names come from people: none may act in the page.
func TestNamesAreInert(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signIn(engine.RoleAdmin)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	c := b.addConsumer(evil)
	w, err := b.store.CreateWebhook(t.Context(), engine.System, enginetest.Webhook(func(w *engine.Webhook) {
		w.ConsumerID, w.Name, w.Description, w.SendLabDetails, w.Content, w.Blocking = c.ID, evil, evil, false, evil, true
		w.Headers = []engine.Header{{Name: "X-A", Value: evil}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	d := b.addDelivery(&w, func(e *engine.Event) {
		e.Subject, e.Source = evil, evil
		e.Data = engine.SampleLabDetails().With(map[string]any{"LabProfileName": evil, "UserFirstName": evil, "ClassName": evil}).Body()
	})
	b.record(d, engine.OutcomeGiveUp, engine.ClassStatus, func(a *engine.Attempt) {
		a.Answer.Body, a.Answer.Headers, a.Outcome.Error = []byte(evil), []string{"X-A: " + evil}, evil
		a.Request.URL = "https://hooks.example.com/?" + evil
	})
	gate := b.addDelivery(&w, func(e *engine.Event) { e.Subject = evil })
	for _, path := range []string{
		views.WebhookURL(w.ID), views.WebhookEditURL(w.ID), views.WebhookDeleteURL(w.ID), views.DeliveriesURL("lab", evil), views.DeliveriesURL(),
		views.DeliveryURL(d.ID), views.DeliveryURL(d.ID) + "?raw=1", views.EventsURL(), views.EventURL(d.EventID), views.EventsURL(evil, evil, "event", evil),
		views.LabInstanceURL(evil), views.LabInstancesURL(), views.LabInstancesURL("q", evil), views.LabInstancesURL("q", "nobody"+evil),
		views.GateOpenURL(evil, gate.ID),
	} {
		a := b.get(path)
		if a.status != http.StatusOK {
			t.Errorf("%s: status %d", path, a.status)
		}
		a.doc.Find("script, [onerror], [style]").Each(func(_ int, s *goquery.Selection) {
			if s.AttrOr("src", "") == "" || s.Is("img") {
				html, _ := goquery.OuterHtml(s)
				t.Errorf("%s has %s", path, html)
			}
		})
	}
}
