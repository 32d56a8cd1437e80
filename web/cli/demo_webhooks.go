package cli

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"labhook/engine"
	"labhook/engine/receiver"
)

// The external ids of the demo's API consumers: one whose learners work in labs, and one with a training platform.
const (
	demoConsumer = "contoso-lms"
	demoAcademy  = "fabrikam-academy"
)

// demoSecret signs the requests of the webhook whose receiver checks that, at demoSignedPath.
const (
	demoSecret     = "whsec_TGFiaG9vayBkZW1vLCBub3QgYSBzZWNyZXQ="
	demoSignedPath = "/gradebook/results"
)

// webhookPost is the body of a request that makes a webhook.
type webhookPost struct {
	Consumer       string       `json:"consumer"`
	Name           string       `json:"name"`
	Description    string       `json:"description,omitempty"`
	Events         []string     `json:"events"`
	Verb           string       `json:"verb"`
	URL            string       `json:"url"`
	Headers        []headerPost `json:"headers,omitempty"`
	SendLabDetails bool         `json:"send_lab_details"`
	Content        string       `json:"content,omitempty"`
	ContentType    string       `json:"content_type,omitempty"`
	Enabled        bool         `json:"enabled"`
	Delay          int          `json:"delay"`   // seconds
	Timeout        int          `json:"timeout"` // seconds
	Retries        int          `json:"retries"`
	RetryPolicy    string       `json:"retry_policy,omitempty"`
	BasicAuth      *basicPost   `json:"basic_auth,omitempty"`
	Signing        *signingPost `json:"signing,omitempty"`
}

// headerPost is one header of a webhookPost.
type headerPost struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	Sensitive bool   `json:"sensitive,omitempty"`
}

// basicPost is the user and password of a webhookPost.
type basicPost struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// signingPost is the signature of a webhookPost.
type signingPost struct {
	Scheme string `json:"scheme"`
	Secret string `json:"secret,omitempty"`
}

// demoWebhook is a webhook of the demo, how its receiver answers, and what must become of its deliveries.
type demoWebhook struct {
	webhookPost
	path     string
	answers  string // script of the receiver
	state    engine.DeliveryState
	attempts int
}

// demoWebhooks are the webhooks of the demo: several that work, each in another way, one that comes through at the
// third attempt, and one that never does.
func demoWebhooks() []demoWebhook {
	const (
		delivered = engine.StateDelivered
		failed    = engine.StateFailed
	)
	list := []demoWebhook{
		{webhookPost{
			Name: "Results to gradebook", Description: "Waits three seconds, so that the scores are complete. Its receiver checks the signature.",
			Events: []string{engine.LabScored, engine.LabTornDown}, Verb: http.MethodPost, SendLabDetails: true,
			Headers: []headerPost{{Name: "Authorization", Value: "Bearer gradebook-7f3a", Sensitive: true}},
			Delay:   3, Retries: 3, Signing: &signingPost{Scheme: string(engine.SigningV1), Secret: demoSecret},
		}, demoSignedPath, "201", delivered, 1},
		{webhookPost{
			Name: "Attendance", Events: []string{engine.LabFirstDisplayable, engine.LabResumed, engine.LabTransferToUser},
			Verb: http.MethodPost, SendLabDetails: true, Retries: 3,
		}, "/attendance", "204", delivered, 1},
		{webhookPost{
			Name: "Seat counter", Description: "Sends content of its own.",
			Events: []string{engine.LabPreBuild, engine.LabRunningPreinstanceAssigned, engine.LabSavedPreinstanceAssigned},
			Verb:   http.MethodPut, Content: `{"seat": "taken", "by": "lab"}`, ContentType: "application/json", Retries: 2,
		}, "/seats/lab", "200", delivered, 1},
		{webhookPost{
			Name: "Licence release", Events: []string{engine.LabTornDown}, Verb: http.MethodDelete, Retries: 5,
			Headers: []headerPost{{Name: "X-Licence-Pool", Value: "labs-eu"}},
		}, "/licences/lab", "204", delivered, 1},
		{webhookPost{
			Name: "Catalog cache", Events: []string{engine.LabProfileChanged}, Verb: http.MethodGet, Retries: 1,
		}, "/catalog/refresh", "200", delivered, 1},
		{webhookPost{
			Name: "Data warehouse", Description: "Listens to everything.", Events: []string{engine.AllEvents},
			Verb: http.MethodPost, SendLabDetails: true, Retries: 5,
		}, "/warehouse/events", "202", delivered, 1},
		{webhookPost{
			Name: "Proctoring", Description: "Its receiver takes a second and a half to answer.",
			Events: []string{engine.LabSaving, engine.LabSaved, engine.LabResuming, engine.LabScoring},
			Verb:   http.MethodPost, SendLabDetails: true, Timeout: 15, Retries: 2,
		}, "/proctoring", "200 after 1500ms", delivered, 1},
		{webhookPost{
			Name: "CRM (flaky)", Description: "Its receiver answers 503 twice and then takes the request.",
			Events: []string{
				engine.LabAssignmentCreated, engine.LabDeferredLaunchNew, engine.LabDeferredLaunchExisting, engine.LabDeferredResume,
			},
			Verb: http.MethodPost, SendLabDetails: true, Retries: 5,
		}, "/crm/leads", "503 twice, then 200", delivered, 3},
		{webhookPost{
			Name: "Old reporting server", Description: "Its receiver answers 500 to every attempt.",
			Events: []string{engine.LabPostBuild, engine.LabTearingDown}, Verb: http.MethodPost, SendLabDetails: true, Retries: 2,
		}, "/reports", "500", failed, 3},
	}
	for i := range list {
		list[i].Consumer = demoConsumer
	}
	list = append(list, academyWebhooks()...)
	for i := range list {
		w := &list[i]
		w.Enabled = true
		if w.Timeout == 0 {
			w.Timeout = int(engine.DefaultTimeout.Seconds())
		}
	}
	return list
}

// academyWebhooks are set up as Skilljar's are: one event type or all, Basic authentication, Skilljar's retries, and one
// send to each URL.
func academyWebhooks() []demoWebhook {
	list := []demoWebhook{
		{webhookPost{
			Name: "Enrollments", Description: "Stands before the next one, and is sent in its place.", Events: []string{engine.SkilljarCourseEnrollment},
		}, "/academy/events", "200", engine.StateDelivered, 1},
		{webhookPost{
			Name: "All training events", Description: "Has the URL of the one before it.", Events: []string{engine.AllEvents},
		}, "/academy/events", "200", engine.StateDelivered, 1},
	}
	for i := range list {
		w := &list[i]
		w.Consumer, w.Verb, w.SendLabDetails = demoAcademy, http.MethodPost, true
		w.RetryPolicy, w.Retries = engine.SkilljarPolicy.Name, engine.SkilljarPolicy.Retries
		w.BasicAuth = &basicPost{Username: "academy", Password: "demo-7f3a"}
		w.Signing = &signingPost{Scheme: string(engine.SigningNone)}
	}
	return list
}

// listensTo reports whether events of that type concern the webhook.
func (w *demoWebhook) listensTo(eventType string) bool {
	return slices.Contains(w.Events, eventType) || slices.Contains(w.Events, engine.AllEvents)
}

// sentTo returns the names of the webhooks that an event of a consumer is sent to.
func sentTo(list []demoWebhook, consumer, eventType string) []string {
	var names []string
	seen := map[string]bool{} // paths
	for _, w := range list {
		if w.Consumer != consumer || !w.listensTo(eventType) || consumer == demoAcademy && seen[w.path] {
			continue
		}
		seen[w.path] = true
		names = append(names, w.Name)
	}
	return names
}

// checkSignature refuses a request of the webhook whose receiver checks signatures, unless it is signed.
func checkSignature(req *receiver.Request) {
	if req.Path == demoSignedPath {
		v := verifier{secrets: secrets{demoSecret}, require: true}
		v.inspect(req)
	}
}

// demoRoutes returns the scripts of the receiver, by path.
func demoRoutes(list []demoWebhook) (map[string]receiver.Script, error) {
	routes := map[string]receiver.Script{}
	for _, w := range list {
		script, err := receiver.ParseScript(w.answers)
		if err != nil {
			return nil, err
		}
		routes[w.path] = script
	}
	return routes, nil
}

// createDemoConfig makes the API consumers and their webhooks through the API, as an administrator's script would.
func createDemoConfig(ctx context.Context, c *client, receiverURL string, list []demoWebhook) error {
	for _, consumer := range []map[string]any{
		{
			"name": "Contoso LMS", "external_id": demoConsumer, "description": "A learning platform whose learners work in labs.",
			"default_organization": "Contoso", "consuming_platform": "Other LMS", "technical_contact": "lms-team@contoso.example",
		},
		{
			"name": "Fabrikam Academy", "external_id": demoAcademy, "description": "A training platform whose webhooks are those of Skilljar.",
			"default_organization": "Fabrikam", "consuming_platform": "Skilljar", "one_send_per_url": true,
		},
	} {
		if _, err := c.do(ctx, http.MethodPost, "/api/v1/consumers", consumer, nil); err != nil {
			return fmt.Errorf("create API consumer: %w", err)
		}
	}
	for _, w := range list {
		w.URL = receiverURL + w.path
		if _, err := c.do(ctx, http.MethodPost, "/api/v1/webhooks", w.webhookPost, nil); err != nil {
			return fmt.Errorf("create webhook %s: %w", w.Name, err)
		}
	}
	return nil
}
