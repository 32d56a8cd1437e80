package web

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/engine/enginetest"
	"labhook/views"
)

// wireTap is a receiver that keeps what arrives to the byte, and answers 200.
type wireTap struct {
	listener net.Listener
	arrived  chan []byte
}

func newWireTap(t *testing.T) *wireTap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tap := &wireTap{listener: l, arrived: make(chan []byte, 1)}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			tap.take(conn)
		}
	}()
	return tap
}

func (w *wireTap) take(conn net.Conn) {
	defer conn.Close()
	var raw bytes.Buffer
	r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &raw)))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err != nil {
		return
	}
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	w.arrived <- raw.Bytes()
}

// differs are the headers that no two requests share.
var differs = []string{
	"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "Svix-Id", "Svix-Timestamp", "Svix-Signature", "Labhook-Event-Id",
	"X-Lab-Signature",
}

// comparableHeads takes from the head of a request what differs in each, and from both what the preview masks.
func comparableHeads(shown, sent string) (string, string) {
	var a, b []string
	sentLines := strings.Split(sent, "\n")
	for i, line := range strings.Split(shown, "\n") {
		other := ""
		if i < len(sentLines) {
			other = sentLines[i]
		}
		name, value, _ := strings.Cut(line, ": ")
		otherName, _, _ := strings.Cut(other, ": ")
		varies := strings.Contains(value, engine.Mask)
		for _, d := range differs {
			varies = varies || strings.EqualFold(name, d)
		}
		if varies {
			line, other = name, otherName
		}
		a, b = append(a, line), append(b, other)
	}
	if extra := len(sentLines) - len(a); extra > 0 {
		b = append(b, sentLines[len(a):]...)
	}
	return strings.Join(a, "\n"), strings.Join(b, "\n")
}

// anyRequest draws a form that differs in everything that a request is made of.
func anyRequest(r *rand.Rand, target, code string) url.Values {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	form := with(goodForm(), "name", "Any", "url", target+pick("/hook", "/a/b?c=d&e=%20f", "/", "/%C3%A9t%C3%A9?q=1+2"), "events", code,
		"verb", pick("POST", "PUT", "PATCH", "GET", "DELETE"), "body", pick(views.BodyLabDetails, views.BodyOwn, views.BodyEmpty),
		"delay", "0", "blocking", "", "error_action", "log", "notification_text", "",
		"signing.scheme", pick("v1", "v1a", "hex", "none"), "signing.header", "X-Lab-Signature", "signing.names", pick("webhook", "svix", "both"),
		"headers", pick("", "X-Tenant: contoso", "Authorization: Bearer token\nX-B: 2\nX-A: 1", "User-Agent: mine/1.0\nAccept: */*", "X-Empty:"))
	if form.Get("body") == views.BodyOwn {
		form = with(form, "content", pick(`{"hello": "world"}`, "<x>1</x>", "äöü\nline"), "content_type", pick("text/plain", "application/xml", "text/plain; charset=utf-8"))
	} else {
		form = with(form, "content", "", "content_type", "application/json")
	}
	if !strings.Contains(form.Get("headers"), "Authorization") && r.IntN(2) == 0 {
		form = with(form, "basic_auth.username", "ada", "basic_auth.password", "wonderland")
	}
	return form
}

// The request in the preview is the one that arrives, to the byte of its head and with the same body: only id, time and
// signature differ, and what is secret is masked.
func TestU15PreviewRequest(t *testing.T) {
	t.Parallel()
	b := setupGuarded(t, enginetest.Guard())
	b.signIn(engine.RoleDeveloper)
	c := b.addConsumer("Contoso")
	tap := newWireTap(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		kind, _ := engine.BuiltIn.Find([]string{engine.LabScored, engine.LabFirstDisplayable, engine.LabTornDown}[r.IntN(3)])
		form := anyRequest(r, "http://"+tap.listener.Addr().String(), kind.Code)
		preview := b.post(views.WebhookPreviewURL(c.ID), form, "HX-Request", "true")
		if a := b.post(views.NewWebhookURL(c.ID), form); preview.status != http.StatusOK || a.status != http.StatusSeeOther {
			t.Fatalf("%v: preview %d, saved %d: %v", form, preview.status, a.status, summary(a))
		}
		e := engine.Event{Type: kind.Code, Data: kind.Sample()}
		if _, err := b.engine.Accept(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
		raw := <-tap.arrived
		head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
		shown, sent := comparableHeads(preview.doc.Find("#preview pre").First().Text(), strings.ReplaceAll(head, "\r\n", "\n"))
		if shown != sent {
			t.Fatalf("%v\nthe preview shows\n%s\nand this arrived\n%s", form, shown, sent)
		}
		if text := preview.doc.Find("#preview pre[aria-label=Body]").Text(); compact(text) != compact(body) {
			t.Fatalf("%v\nthe preview shows the body\n%s\nand this arrived\n%s", form, text, body)
		}
		if err := b.store.DeleteWebhook(t.Context(), engine.System, b.store.Directory().Webhooks(c.ID)[0].ID); err != nil {
			t.Fatal(err)
		}
	}
}
