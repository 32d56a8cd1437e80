package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// post posts an event to the shell's server and returns the ids of its deliveries.
func (sh *shell) post(t *testing.T, event fields) []string {
	t.Helper()
	var answer struct{ Deliveries []struct{ ID string } }
	if _, err := newClient(sh.server.base, sh.key, "test").do(t.Context(), http.MethodPost, "/api/v1/events?wait=60", event, &answer); err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(answer.Deliveries))
	for i, d := range answer.Deliveries {
		ids[i] = d.ID
	}
	return ids
}

// blocking makes senders wait for the webhook, and a failure final.
func blocking(w *engine.Webhook) { w.Blocking, w.Retries = true, 0 }

func TestDeliveries(t *testing.T) {
	t.Parallel()
	sh := startShell(t)
	good, bad := enginetest.NewReceiver(t, "200"), enginetest.NewReceiver(t, "503, then 200")
	sh.webhook(t, "Scores", good.URL+"/good", blocking)
	failing := sh.webhook(t, "Grades", bad.URL+"/bad", blocking)
	ids := sh.post(t, fields{"id": "exam-1", "type": "lab.scored", "consumer": "contoso", "data": fields{"Id": 41}})
	sh.post(t, fields{"id": "exam-2", "type": "lab.scored", "consumer": "contoso", "data": fields{"Id": 42}})

	for _, tt := range []struct {
		args string
		want int
	}{
		{"", 4},
		{"--status failed", 2},
		{"--status failed,delivered --status held", 4},
		{"--webhook " + failing, 2},
		{"--event exam-2", 2},
		{"--consumer contoso --type lab.scored --subject 41", 2},
		{"--test true", 0},
		{"--test false --since 1h", 4},
		{"--until 1h", 0},
		{"--since 2020-01-01 --until 2020-01-02T00:00:00Z", 0},
		{"--limit 3", 3},
	} {
		out, code, err := sh.labhook(t, append([]string{"deliveries", "list"}, strings.Fields(tt.args)...)...)
		if got := lines[listedDelivery](t, out); code != 0 || len(got) != tt.want {
			t.Errorf("list %s: exit code %d, %v, %d deliveries, want %d", tt.args, code, err, len(got), tt.want)
		}
	}

	sh.terminal = true
	out, _, _ := sh.labhook(t, "deliveries", "show", ids[1])
	for _, part := range []string{
		"failed  " + ids[1], "lab.scored, exam-1", "Grades, " + failing, "Attempts, 1 of 1", "503 Service Unavailable",
		"POST " + bad.URL + "/bad", "Why the last one failed: status", "check      The receiver failed.",
	} {
		if !strings.Contains(out, part) {
			t.Errorf("%q lacks %q", out, part)
		}
	}
	out, code, err := sh.labhook(t, "deliveries", "list", "--status", "failed")
	if rows := strings.Split(strings.TrimSpace(out), "\n"); code != 0 || len(rows) != 3 || !strings.HasPrefix(rows[0], "CREATED") || !strings.HasSuffix(rows[1], "1 of 1    503") {
		t.Errorf("exit code %d, %v, table\n%s", code, err, out)
	}

	sh.terminal = false
	var said bytes.Buffer
	sh.stderr = &said
	out, code, _ = sh.labhook(t, "deliveries", "resend", "dlv_01jc9xw2m4t7k", ids[1], "no-id")
	if got := lines[listedDelivery](t, out); code != 7 || len(got) != 1 || got[0].ID != ids[1] || strings.Count(said.String(), "404") != 2 {
		t.Errorf("resend: exit code %d, %s, said %s", code, out, said.String())
	}
	bad.Wait(t, 3)
	wait(t, func() bool {
		out, _, _ := sh.labhook(t, "deliveries", "show", ids[1])
		var d shownDelivery
		return json.Unmarshal([]byte(out), &d) == nil && d.State == "delivered" && len(d.Attempts) == 2
	})
	if _, code, err := sh.labhook(t, "deliveries", "cancel", ids[1]); code != 1 || !strings.Contains(err.Error(), "ended already") {
		t.Errorf("cancel one that has ended: exit code %d, %v", code, err)
	}
}

// wait waits for a fact.
func wait(t *testing.T, fact func() bool) {
	t.Helper()
	for !fact() {
		select {
		case <-t.Context().Done():
			t.Fatal("it does not come")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestCancelDeliveries(t *testing.T) {
	t.Parallel()
	sh := startShell(t)
	sh.webhook(t, "Later", "https://hooks.example.com/a", func(w *engine.Webhook) { w.Delay = time.Hour })
	c := newClient(sh.server.base, sh.key, "test")
	var answer struct{ Deliveries []struct{ ID string } }
	for n := range 2 {
		if _, err := c.do(t.Context(), http.MethodPost, "/api/v1/events", fields{"type": "lab.scored", "data": fields{"Id": n + 1}}, &answer); err != nil {
			t.Fatal(err)
		}
	}
	id := answer.Deliveries[0].ID
	out, code, err := sh.labhook(t, "deliveries", "cancel", id, "--reason", "called off")
	if got := lines[listedDelivery](t, out); code != 0 || len(got) != 1 || got[0].State != "cancelled" || got[0].Reason != "called off" {
		t.Errorf("exit code %d, %v, %s", code, err, out)
	}
	if out, _, _ := sh.labhook(t, "deliveries", "list", "--status", "scheduled"); len(lines[listedDelivery](t, out)) != 1 {
		t.Errorf("still scheduled: %s", out)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	sh := startShell(t)
	receiver := enginetest.NewReceiver(t, "200")
	sh.webhook(t, "Scores", receiver.URL, blocking)
	c := newClient(sh.server.base, sh.key, "test")
	batch := make([]fields, engine.MaxPageSize+1)
	for i := range batch {
		batch[i] = fields{"id": fmt.Sprintf("run-%d", i), "type": "lab.saved", "data": fields{"Id": 7}}
	}
	if _, err := c.do(t.Context(), http.MethodPost, "/api/v1/events/batch", batch, nil); err != nil {
		t.Fatal(err)
	}
	sh.post(t, fields{"id": "exam-1", "type": "lab.scored", "consumer": "contoso", "data": fields{"Id": 41}})

	for _, tt := range []struct {
		args string
		want int
	}{
		{"--limit 1000", len(batch) + 1},
		{"", 100},
		{"--type lab.scored --subject 41 --consumer contoso --since 1d", 1},
		{"--until 2020-01-01", 0},
	} {
		out, code, err := sh.labhook(t, append([]string{"events", "list"}, strings.Fields(tt.args)...)...)
		got := lines[listedEvent](t, out)
		if code != 0 || len(got) != tt.want {
			t.Fatalf("list %s: exit code %d, %v, %d events, want %d", tt.args, code, err, len(got), tt.want)
		}
		seen := map[string]bool{}
		for _, e := range got {
			seen[e.LabhookID] = true
		}
		if len(seen) != tt.want {
			t.Errorf("list %s: %d different events, want %d", tt.args, len(seen), tt.want)
		}
	}

	var shown struct{ Data struct{ Id int } }
	if out, code, err := sh.labhook(t, "events", "show", "exam-1"); code != 0 || json.Unmarshal([]byte(out), &shown) != nil || shown.Data.Id != 41 {
		t.Errorf("show: exit code %d, %v, %s", code, err, out)
	}
	sh.terminal = true
	out, _, _ := sh.labhook(t, "events", "show", "exam-1")
	for _, part := range []string{"lab.scored  exam-1", "verdict    continue\n", `"Id": 41`, "delivered", "Scores"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q lacks %q", out, part)
		}
	}
	if out, _, _ := sh.labhook(t, "events", "show", "run-1"); !strings.Contains(out, "No webhook listened to it.") {
		t.Error(out)
	}
	if out, _, _ := sh.labhook(t, "events", "list", "--limit", "1"); !strings.Contains(out, "exam-1") || !strings.Contains(out, "1 delivered") {
		t.Error(out)
	}
}

func TestListMistakes(t *testing.T) {
	t.Parallel()
	sh := startShell(t)
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"deliveries", 2, "labhook deliveries list, show, resend or cancel"},
		{"deliveries list --status lost", 2, `there is no state "lost"`},
		{"deliveries list --test maybe", 2, "--test must be true or false"},
		{"deliveries list --limit all", 2, `invalid value "all" for flag --limit: it must be a whole number`},
		{"deliveries list --limit 0", 2, "--limit must be"},
		{"deliveries list --since soon", 2, `"soon" is not a time such as 2h`},
		{"deliveries list --webhook x", 1, "webhook: "},
		{"deliveries show", 2, "name the ID"},
		{"deliveries resend", 2, "name the ID..."},
		{"deliveries show dlv_01jc9xw2m4t7k", 7, "404"},
		{"deliveries list --url http://127.0.0.1:1", 6, "reach http://127.0.0.1:1"},
		{"deliveries list --key wrong", 1, "401"},
		{"events list --type lab.lost", 1, "lab.lost"},
		{"events show nothing", 7, "404"},
	} {
		if _, code, err := sh.labhook(t, strings.Fields(tt.args)...); code != tt.code || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: exit code %d, %v, want %d: …%s…", tt.args, code, err, tt.code, tt.says)
		}
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2026-11-20T08:00:00Z": time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
		"2026-11-20":           time.Date(2026, 11, 20, 0, 0, 0, 0, time.Local),
	} {
		var m moment
		if err := m.Set(text); err != nil || !m.Equal(want) {
			t.Errorf("%s: %s, %v", text, m.Time, err)
		}
	}
	for text, span := range map[string]time.Duration{"90m": 90 * time.Minute, "7d": 7 * 24 * time.Hour, "0s": 0} {
		var m moment
		before := time.Now().Add(-span - time.Second)
		if err := m.Set(text); err != nil || m.Before(before) || m.After(time.Now().Add(-span)) {
			t.Errorf("%s: %s, %v", text, m.Time, err)
		}
	}
	for _, text := range []string{"", "7 d", "7dd", "-1h", "yesterday", "99999d"} {
		if err := new(moment).Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"serve", "send", "events", "deliveries", "webhooks", "key"}
	for word, want := range map[string]string{
		"sevre": "serve", "deliverys": "deliveries", "webhook": "webhooks", "evetns": "events", "deli": "deliveries",
		"kye": "key", "x": "", "status": "", "": "",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
