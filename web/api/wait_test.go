package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/web/api"
)

// TestWaitingSender posts events whose blocking webhooks end in different ways, to real receivers. A webhook that is
// not blocking and never answers keeps nobody waiting.
func TestWaitingSender(t *testing.T) {
	t.Parallel()
	type hook struct {
		script string
		action engine.ErrorAction
		text   string
	}
	for name, tt := range map[string]struct {
		hooks         []hook
		action        string
		notifications []string
		states        []string // of the blocking deliveries
		actions       []string
	}{
		"nothing listens": {action: "continue", notifications: []string{}},
		"delivered":       {[]hook{{"204", "log", ""}, {"200", "end_lab", ""}}, "continue", []string{}, []string{"delivered", "delivered"}, []string{"", ""}},
		"failed and logged": {
			[]hook{{"500", "log", ""}}, "continue", []string{}, []string{"failed"}, []string{"log"},
		},
		"failed with a notification": {
			[]hook{{"500", "notify_user", "The gradebook is away."}, {"204", "log", ""}},
			"notify_user",
			[]string{"The gradebook is away."},
			[]string{"failed", "delivered"},
			[]string{"notify_user", ""},
		},
		"failed with the lab's end": {
			[]hook{{"500", "notify_user", "The gradebook is away."}, {"drop", "end_lab", ""}, {"200", "log", ""}},
			"end_lab",
			[]string{"The gradebook is away."},
			[]string{"failed", "failed", "skipped"},
			[]string{"notify_user", "end_lab", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			add := func(url string, change func(*engine.Webhook)) {
				b.webhook(t, b.contoso.ID, url, func(w *engine.Webhook) {
					w.Events, w.Retries = []string{engine.LabPreBuild}, 0
					change(w)
				})
			}
			if len(tt.hooks) > 0 {
				add(enginetest.NewReceiver(t, "hang").URL, func(*engine.Webhook) {})
			}
			for _, h := range tt.hooks {
				add(enginetest.NewReceiver(t, h.script).URL, func(w *engine.Webhook) {
					w.Blocking, w.ErrorAction, w.NotificationText = true, h.action, h.text
				})
			}
			body := fmt.Sprintf(`{"type": "lab.pre_build", "id": "run-1", "data": %s}`, enginetest.LabData(7))
			var got api.EndedEvent
			r := b.send(t, "POST", "/api/v1/events?wait=60", "contoso-send", body).want(200)
			r.into(&got)
			if got.Action != tt.action || !got.Ended || !slices.Equal(got.Notifications, tt.notifications) || got.Notifications == nil ||
				got.ID != "run-1" || got.Type != "lab.pre_build" || got.Duplicate || r.header.Get("Location") != "/api/v1/events/run-1" {
				t.Errorf("answer %s", r.body)
			}
			var states, actions []string
			for _, d := range got.Deliveries {
				if d.Blocking {
					states, actions = append(states, d.State), append(actions, d.ErrorAction)
				} else if d.State != "sending" {
					t.Errorf("the webhook that never answers is %s", d.State)
				}
				if d.State == "failed" && d.FailureClass == "" || (d.LastStatus != nil) != (d.FailureClass == "status" || d.State == "delivered") {
					t.Errorf("delivery %+v", d)
				}
			}
			if !slices.Equal(states, tt.states) || !slices.Equal(actions, tt.actions) {
				t.Errorf("blocking deliveries are %v with the actions %v, want %v, %v", states, actions, tt.states, tt.actions)
			}

			var detail api.EventDetail
			b.send(t, "GET", "/api/v1/events/run-1", "contoso-read", "").want(200).into(&detail)
			if diff := cmp.Diff(got.Verdict, detail.Verdict); diff != "" {
				t.Errorf("the event says another verdict (-answered +event):\n%s", diff)
			}
		})
	}
}

// stage is a transport for virtual time: it answers a request when the test says so, or the request's context ends.
type stage struct{ answers chan int }

func newStage() *stage { return &stage{answers: make(chan int)} }

func (s *stage) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case status := <-s.answers:
		return &http.Response{Proto: "HTTP/1.1", StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func (s *stage) use(c *engine.Config) { c.Transport = s }

// blocking makes a webhook that holds its lane, and whose attempts take as long as they like.
func blocking(w *engine.Webhook) { w.Blocking, w.Timeout = true, engine.MaxTimeout }

// later makes a request in the background.
func (b *bundle) later(t *testing.T, path, body string, headers ...string) <-chan reply {
	answer := make(chan reply, 1)
	go func() { answer <- b.send(t, "POST", path, "contoso-send", body, headers...) }()
	return answer
}

// none fails the test when there is an answer already.
func none(t *testing.T, answers ...<-chan reply) {
	t.Helper()
	synctest.Wait()
	for _, answer := range answers {
		select {
		case r := <-answer:
			t.Fatalf("answered too early: %d %s", r.status, r.body)
		default:
		}
	}
}

// TestWaitTimesOutAndIsJoined lets the time of a first sender run out, and others join the wait by id and by key.
func TestWaitTimesOutAndIsJoined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStage()
		b := setup(t, far.use)
		b.webhook(t, b.contoso.ID, "http://receiver.example", blocking)
		body := eventJSON(`"id": "run-1",`)
		first := b.later(t, "/api/v1/events?wait=30", body, "Idempotency-Key", "k-1")
		none(t, first)
		time.Sleep(29 * time.Second)
		none(t, first)
		r := (<-first).want(202)
		var over api.AcceptedEvent
		r.into(&over)
		if r.header.Get("Location") != "/api/v1/events/run-1" || over.StatusURL != "/api/v1/events/run-1" || r.header.Get("Retry-After") == "" ||
			over.Duplicate || over.Deliveries[0].State != "sending" || !over.Deliveries[0].Blocking || strings.Contains(string(r.body), `"action"`) {
			t.Errorf("answer after the time: %v %s", r.header, r.body)
		}
		var detail api.EventDetail
		b.send(t, "GET", "/api/v1/events/run-1", "contoso-read", "").want(200).into(&detail)
		if detail.Ended || detail.Action != "continue" {
			t.Errorf("event before its end: %+v", detail.Verdict)
		}

		byID, byKey := b.later(t, "/api/v1/events?wait=600", body), b.later(t, "/api/v1/events?wait=600", body, "Idempotency-Key", "k-1")
		none(t, byID, byKey)
		far.answers <- 200
		for _, joined := range []<-chan reply{byID, byKey} {
			var ended api.EndedEvent
			(<-joined).want(200).into(&ended)
			if ended.Action != "continue" || !ended.Duplicate || ended.Deliveries[0].State != "delivered" || *ended.Deliveries[0].LastStatus != 200 {
				t.Errorf("who joined got %+v", ended)
			}
		}
		b.send(t, "POST", "/api/v1/events?wait=1", "contoso-send", body).want(200)
		b.send(t, "POST", "/api/v1/events?wait=1", "contoso-send", eventJSON(`"id": "run-1", "subject": "8",`)).problem(409)
	})
}

// TestHangingUpCancelsNothing ends the request of a waiting sender: its place is given up, its event goes on.
func TestHangingUpCancelsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStage()
		b := setup(t, far.use)
		b.webhook(t, b.contoso.ID, "http://receiver.example", blocking)
		ctx, hangUp := context.WithCancel(t.Context())
		served := make(chan struct{})
		go func() {
			defer close(served)
			r := httptest.NewRequestWithContext(ctx, "POST", "/api/v1/events?wait=600", strings.NewReader(eventJSON(`"id": "run-1",`)))
			r.Header.Set("api_key", b.keys["contoso"])
			b.handler.ServeHTTP(httptest.NewRecorder(), r)
		}()
		synctest.Wait()
		hangUp()
		<-served
		far.answers <- 200
		time.Sleep(time.Second) // an outcome may wait for others to share its commit with
		synctest.Wait()
		var detail api.EventDetail
		b.send(t, "GET", "/api/v1/events/run-1", "contoso", "").want(200).into(&detail)
		if d := detail.Deliveries[0]; d.State != "delivered" || d.AttemptsMade != 1 || !detail.Ended {
			t.Errorf("after hanging up the delivery is %s after %d attempts", d.State, d.AttemptsMade)
		}
	})
}

// TestManySendersWait lets 500 senders wait at once: while they wait nobody asks the database, and each end of a
// delivery wakes the one sender that it concerns.
func TestManySendersWait(t *testing.T) {
	t.Parallel()
	const senders = 500
	synctest.Test(t, func(t *testing.T) {
		far := newStage()
		b := setup(t, far.use, func(c *engine.Config) { c.Limits = engine.Limits{Senders: senders, SendersPerWebhook: senders} })
		b.webhook(t, b.contoso.ID, "http://receiver.example", blocking)
		waiting := make([]<-chan reply, senders)
		for i := range waiting {
			waiting[i] = b.later(t, "/api/v1/events?wait=600", fmt.Sprintf(`{"type": "lab.scored", "data": %s}`, enginetest.LabData(int64(i+1))))
		}
		none(t, waiting...)
		time.Sleep(4 * time.Minute)
		none(t, waiting...)
		if n := b.verdicts.Load(); n != senders {
			t.Errorf("%d senders that wait asked the database %d times, want once each", senders, n)
		}
		for range waiting {
			far.answers <- 200
		}
		for _, answer := range waiting {
			(<-answer).want(200)
		}
		if n := b.verdicts.Load(); n != 2*senders {
			t.Errorf("%d senders were woken and asked the database %d times in all, want twice each", senders, n)
		}
	})
}

// TestStopAnswersWaitingSenders stops the engine under a waiting sender, who asks again after the restart.
func TestStopAnswersWaitingSenders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := newStage()
		b := setup(t, far.use)
		b.webhook(t, b.contoso.ID, "http://receiver.example", blocking)
		body := eventJSON(`"id": "run-1",`)
		waiting := b.later(t, "/api/v1/events?wait=600", body)
		none(t, waiting)
		b.engine.StopWaiting()
		refused := func(r reply) {
			t.Helper()
			p := r.problem(503)
			if p.Type != "urn:labhook:problem:stopping" || r.header.Get("Retry-After") == "" || r.header.Get("Location") != "/api/v1/events/run-1" ||
				!strings.Contains(p.Detail, "on disk") {
				t.Errorf("headers %v, problem %+v", r.header, p)
			}
		}
		refused(<-waiting)
		refused(b.send(t, "POST", "/api/v1/events?wait=600", "contoso-send", body))
		if err := b.engine.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := b.send(t, "POST", "/api/v1/events?wait=600", "contoso-send", body).problem(503); !strings.Contains(p.Detail, "Nothing was accepted") {
			t.Errorf("after the stop: %+v", p)
		}

		b.start(t, far.use)
		joined := b.later(t, "/api/v1/events?wait=600", body)
		none(t, joined)
		far.answers <- 200
		var ended api.EndedEvent
		(<-joined).want(200).into(&ended)
		if ended.Action != "continue" || !ended.Duplicate || ended.Deliveries[0].State != "delivered" {
			t.Errorf("after the restart %+v", ended)
		}
	})
}

// TestVerdictOfOneConsumer posts an event for all: the key of a consumer is told of its own deliveries alone.
func TestVerdictOfOneConsumer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.webhook(t, b.contoso.ID, enginetest.NewReceiver(t, "200").URL, blocking)
	b.webhook(t, b.fabrikam.ID, enginetest.NewReceiver(t, "500").URL, blocking, func(w *engine.Webhook) {
		w.Retries, w.ErrorAction, w.NotificationText = 0, engine.ErrorActionNotifyUser, "Only for Fabrikam"
	})
	var ended api.EndedEvent
	b.send(t, "POST", "/api/v1/events?wait=60", "platform-send", eventJSON(`"id": "run-1",`)).want(200).into(&ended)
	if ended.Action != "notify_user" || len(ended.Deliveries) != 2 {
		t.Errorf("the platform is told %+v", ended)
	}
	for key, want := range map[string]api.Verdict{
		"contoso":  {Action: "continue", Notifications: []string{}, Ended: true},
		"fabrikam": {Action: "notify_user", Notifications: []string{"Only for Fabrikam"}, Ended: true},
		"platform": {Action: "notify_user", Notifications: []string{"Only for Fabrikam"}, Ended: true},
	} {
		var detail api.EventDetail
		b.send(t, "GET", "/api/v1/events/run-1", key, "").want(200).into(&detail)
		if diff := cmp.Diff(want, detail.Verdict); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}
