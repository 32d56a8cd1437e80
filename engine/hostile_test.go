package engine_test

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"labhook/db/dbtest"
	"labhook/engine"
	"labhook/engine/egress"
	"labhook/engine/enginetest"
)

// What an attempt may cost, whatever the receiver does.
const (
	// maxTaken is how much of an answer is read, in bytes: its header and body, what was read ahead, and TLS.
	maxTaken = engine.MaxAnswerHeaders + engine.MaxAnswerBody + 16<<10
	// maxTaken2 is the same over HTTP/2, where a receiver may send ahead; see package egress.
	maxTaken2 = (96 + 128 + 16) << 10
	// maxAllocated is how much memory is allocated meanwhile, in bytes, by the database and the receiver, too.
	maxAllocated = 4 << 20
	patient      = 30 * time.Second // timeout of the webhooks, in virtual time
	toClose      = 100 * time.Millisecond
)

// hostileCase is what comes of a behaviour.
type hostileCase struct {
	class  engine.FailureClass // empty: delivered
	or     engine.FailureClass // as well, where two goroutines of the client race; empty: none
	status int                 // 0: no answer
	clean  bool                // the connection may be used again
}

// hostileCases are all behaviours.
var hostileCases = map[string]hostileCase{
	"never answers":                     {class: engine.ClassTimeout},
	"never reads":                       {class: engine.ClassTimeout},
	"dribbles the header":               {class: engine.ClassTimeout},
	"dribbles the body":                 {class: engine.ClassTimeout, status: 200},
	"dribbles over TLS":                 {class: engine.ClassTimeout, status: 200},
	"endless header line":               {class: engine.ClassBody},
	"endless header lines":              {class: engine.ClassBody},
	"endless body":                      {status: 200},
	"endless body of a failure":         {class: engine.ClassStatus, status: 500},
	"endless chunks":                    {status: 200},
	"endless chunk extension":           {class: engine.ClassBody, status: 200},
	"chunks of nothing but extensions":  {class: engine.ClassBody, status: 200},
	"chunk without end":                 {class: engine.ClassTimeout, status: 200},
	"chunk of a bad size":               {class: engine.ClassBody, status: 200},
	"chunk of a huge size":              {class: engine.ClassBody, status: 200},
	"chunk of a negative size":          {class: engine.ClassBody, status: 200},
	"endless trailers":                  {class: engine.ClassBody, status: 200},
	"gzip bomb":                         {status: 200},
	"length too short":                  {status: 200},
	"two answers to one request":        {status: 200},
	"length too long":                   {class: engine.ClassBody, status: 200},
	"length too long and hangs":         {class: engine.ClassTimeout, status: 200},
	"huge length":                       {status: 200},
	"length beyond numbers":             {class: engine.ClassBody},
	"negative length":                   {class: engine.ClassBody},
	"two lengths":                       {class: engine.ClassBody},
	"length and chunks":                 {status: 200, clean: true},
	"informational answers without end": {class: engine.ClassBody},
	"dribbles informational answers":    {class: engine.ClassTimeout},
	"switches protocols":                {class: engine.ClassStatus, status: 101},
	"garbage":                           {class: engine.ClassBody},
	"zeros":                             {class: engine.ClassBody},
	"speaks before it is asked":         {class: engine.ClassBody},
	"HTTP/2 unasked":                    {class: engine.ClassBody},
	"status 000":                        {class: engine.ClassBody},
	"status 999":                        {class: engine.ClassStatus, status: 999, clean: true},
	"status of two digits":              {class: engine.ClassBody},
	"status below zero":                 {class: engine.ClassBody},
	"zeros in the reason":               {status: 200, clean: true},
	"zeros in a header":                 {class: engine.ClassBody},
	"zeros in the body":                 {status: 200, clean: true},
	"header without colon":              {class: engine.ClassBody},
	"hangs up at once":                  {class: engine.ClassReset},
	"hangs up in the header":            {class: engine.ClassBody},
	"hangs up in a chunk":               {class: engine.ClassBody, status: 200},
	"redirects to itself":               {class: engine.ClassRedirect, status: 307, clean: true},
	"redirects inside":                  {class: engine.ClassRedirect, status: 302, clean: true},
	"garbage for TLS":                   {class: engine.ClassTLS},
	"HTTP for TLS":                      {class: engine.ClassTLS},
	"no handshake":                      {class: engine.ClassTimeout},
	"endless handshake":                 {class: engine.ClassTLS},

	"HTTP/2: never answers":                     {class: engine.ClassTimeout, clean: true},
	"HTTP/2: takes no body":                     {class: engine.ClassTimeout, clean: true},
	"HTTP/2: takes no stream":                   {class: engine.ClassTimeout, or: engine.ClassReset, clean: true},
	"HTTP/2: resets the stream":                 {class: engine.ClassReset, clean: true},
	"HTTP/2: resets in the body":                {class: engine.ClassBody, status: 200, clean: true},
	"HTTP/2: refuses each stream":               {class: engine.ClassTimeout, clean: true},
	"HTTP/2: goes away":                         {class: engine.ClassReset},
	"HTTP/2: goes away in the body":             {class: engine.ClassBody, status: 200},
	"HTTP/2: endless body":                      {status: 200},
	"HTTP/2: heeds no window":                   {status: 200},
	"HTTP/2: dribbles the body":                 {class: engine.ClassTimeout, status: 200, clean: true},
	"HTTP/2: empty frames without end":          {class: engine.ClassReset, status: 200},
	"HTTP/2: endless headers":                   {class: engine.ClassBody},
	"HTTP/2: header bomb":                       {class: engine.ClassBody, clean: true},
	"HTTP/2: informational answers without end": {class: engine.ClassBody, clean: true},
	"HTTP/2: endless trailers":                  {class: engine.ClassBody, status: 200},
	"HTTP/2: pings without end":                 {class: engine.ClassTimeout, clean: true},
	"HTTP/2: settings without end":              {class: engine.ClassTimeout, clean: true},
	"HTTP/2: pushes":                            {class: engine.ClassBody},
	"HTTP/2: status 000":                        {class: engine.ClassBody, clean: true},
	"HTTP/2: no status":                         {class: engine.ClassBody, clean: true},
	"HTTP/2: garbage":                           {class: engine.ClassReset},

	"half-close":              {class: engine.ClassReset},
	"resets at once":          {class: engine.ClassReset},
	"resets in the body":      {class: engine.ClassReset, status: 200},
	"resets in the handshake": {class: engine.ClassReset},
}

// hostileAttempt sends one request to a hostile receiver and returns what came of it.
func hostileAttempt(t *testing.T, h *enginetest.Hostile, settings egress.Settings, url string, timeout time.Duration) engine.Attempt {
	t.Helper()
	if settings.Dial != nil {
		t.Cleanup(func() { settle(2 * time.Second) }) // until the receiver has seen the end
	}
	store := dbtest.Open(t)
	settings.Roots = h.Roots()
	e := engine.New(engine.Config{Guard: egress.New(settings), Log: slog.New(slog.DiscardHandler)}, store)
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c, err := store.CreateConsumer(t.Context(), engine.System, engine.APIConsumer{Name: "LMS", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.CreateWebhook(t.Context(), engine.System, enginetest.Webhook(func(w *engine.Webhook) {
		w.ConsumerID, w.URL, w.Timeout = c.ID, url, timeout
	}))
	if err != nil {
		t.Fatal(err)
	}
	tested, err := e.Test(t.Context(), engine.System, w.ID, engine.Example{})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := store.Attempts(t.Context(), tested.Delivery.ID)
	if err != nil || len(stored) != 1 {
		t.Fatalf("%d attempts are stored, %v", len(stored), err)
	}
	return stored[0]
}

// check compares an attempt with what is to come of the behaviour.
func (c hostileCase) check(t *testing.T, a engine.Attempt) {
	t.Helper()
	status := 0
	if a.Answer != nil {
		status = a.Answer.StatusCode
		if n := len(a.Answer.Body); n > engine.MaxAnswerBody || n == engine.MaxAnswerBody && !a.Answer.Truncated {
			t.Errorf("%d bytes of the body are kept, truncated: %t", n, a.Answer.Truncated)
		}
		if n := len(strings.Join(a.Answer.Headers, "\n")); n > engine.MaxAnswerHeaders {
			t.Errorf("%d bytes of the header are kept", n)
		}
	}
	if c.or != "" && a.Outcome.Class == c.or {
		c.class = c.or
	}
	if a.Outcome.Class != c.class || status != c.status || (a.Outcome.Kind == engine.OutcomeDelivered) != (c.class == "") {
		t.Errorf("%s, class %q, status %d, error %q; want class %q, status %d", a.Outcome.Kind, a.Outcome.Class, status, a.Outcome.Error, c.class, c.status)
	}
}

// TestHostile lets each behaviour cost what it can, in memory and in virtual time. Nothing runs beside it, for the
// memory that is counted is that of the whole process.
func TestHostile(t *testing.T) {
	anywhere, _ := enginetest.Behaviours()
	for _, name := range anywhere {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want, known := hostileCases[name]
				if !known {
					t.Fatal("nobody says what comes of it")
				}
				h := enginetest.NewHostile(t, name)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				a := hostileAttempt(t, h, egress.Settings{Dial: h.Dial}, h.URL(enginetest.HostileHost), patient)
				runtime.ReadMemStats(&after)
				settle(2 * time.Second)
				want.check(t, a)
				took := time.Duration(a.Timings.Total) * time.Microsecond
				if a.Outcome.Class == engine.ClassTimeout && took < patient || took > patient+toClose {
					t.Errorf("it took %s, the timeout is %s", took, patient)
				}
				most := int64(maxTaken)
				if strings.HasPrefix(name, "HTTP/2: ") {
					most = maxTaken2
				}
				if h.Sent() > most {
					t.Errorf("%d bytes were taken, at most %d may be", h.Sent(), most)
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > maxAllocated {
					t.Errorf("%d bytes of memory were taken, at most %d may be", n, maxAllocated)
				}
				if h.Opened() > 3 || h.Open() > 0 && !want.clean {
					t.Errorf("%d connections were opened, %d are open", h.Opened(), h.Open())
				}
			})
		})
	}
}

// TestHostileOnSockets sends to the same receivers on loopback, in real time.
func TestHostileOnSockets(t *testing.T) {
	t.Parallel()
	anywhere, onSockets := enginetest.Behaviours()
	all := slices.Concat(anywhere, onSockets)
	// Most that take the whole timeout do so in virtual time alone. These are others where the system has buffers.
	patiently := []string{"never reads", "no handshake", "dribbles over TLS", "HTTP/2: takes no body"}
	for _, name := range all {
		want, timeout := hostileCases[name], patient
		if want.class == engine.ClassTimeout {
			if !slices.Contains(patiently, name) {
				continue
			}
			timeout = engine.MinTimeout
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := enginetest.NewHostile(t, name)
			url := h.Listen(t)
			want.check(t, hostileAttempt(t, h, egress.Settings{Networks: enginetest.Loopback}, url, timeout))
		})
	}
	for name := range hostileCases {
		if !slices.Contains(all, name) {
			t.Errorf("there is no behaviour %q", name)
		}
	}
}
