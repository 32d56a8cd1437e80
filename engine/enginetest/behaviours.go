package enginetest

import (
	"bytes"
	"compress/gzip"
	"strings"
	"sync"
	"time"
)

const ok = "HTTP/1.1 200 OK\r\n"

// answers reads requests and writes a text for each.
func answers(text string) func(*line) {
	return func(l *line) {
		for l.request() && l.say(text) {
		}
	}
}

// thenHangsUp reads a request, writes a text and closes the connection.
func thenHangsUp(text string) func(*line) {
	return func(l *line) {
		if l.request() {
			l.say(text)
		}
		l.hangUp()
	}
}

// withoutEnd reads a request, writes the beginning of an answer, and then a text again and again.
func withoutEnd(beginning, text string) func(*line) {
	return func(l *line) {
		if l.request() && l.say(beginning) {
			l.forever(text)
		}
	}
}

// bomb is a hundred megabytes in a hundred kilobytes.
var bomb = sync.OnceValue(func() string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	zeros := make([]byte, 1<<20)
	for range 100 {
		if _, err := w.Write(zeros); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.String()
})

// behaviours are those of plain connections and of HTTP/1.1.
var behaviours = []Behaviour{
	{Name: "never answers", answer: func(l *line) { l.request() }},
	{Name: "never reads", answer: func(l *line) { <-l.over }},
	{Name: "dribbles the header", answer: func(l *line) {
		if l.request() {
			l.dribble(ok + "X-Filler: " + strings.Repeat("x", 1000))
		}
	}},
	{Name: "dribbles the body", answer: func(l *line) {
		if l.request() && l.say(ok+"\r\n") {
			l.dribble("x")
		}
	}},
	{Name: "dribbles over TLS", speaks: secured, answer: func(l *line) {
		if l.request() && l.say(ok+"\r\n") {
			l.dribble("x")
		}
	}},
	{Name: "endless header line", answer: withoutEnd(ok+"X-Long: ", strings.Repeat("x", 1<<10))},
	{Name: "endless header lines", answer: withoutEnd(ok, "X-Many: x\r\n")},
	{Name: "endless body", answer: withoutEnd(ok+"\r\n", strings.Repeat("x", 1<<10))},
	{Name: "endless body of a failure", answer: withoutEnd("HTTP/1.1 500 Internal Server Error\r\n\r\n", strings.Repeat("x", 1<<10))},
	{Name: "endless chunks", answer: withoutEnd(ok+"Transfer-Encoding: chunked\r\n\r\n", "400\r\n"+strings.Repeat("x", 1<<10)+"\r\n")},
	{Name: "endless chunk extension", answer: withoutEnd(ok+"Transfer-Encoding: chunked\r\n\r\n1;", strings.Repeat("x", 1<<10))},
	{Name: "chunks of nothing but extensions", answer: withoutEnd(ok+"Transfer-Encoding: chunked\r\n\r\n", "1;"+strings.Repeat("x", 1<<10)+"\r\nx\r\n")},
	{Name: "chunk without end", answer: answers(ok + "Transfer-Encoding: chunked\r\n\r\nff\r\nshort")},
	{Name: "chunk of a bad size", answer: answers(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n")},
	{Name: "chunk of a huge size", answer: answers(ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n")},
	{Name: "chunk of a negative size", answer: answers(ok + "Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n")},
	{Name: "endless trailers", answer: withoutEnd(ok+"Transfer-Encoding: chunked\r\nTrailer: X-Many\r\n\r\n0\r\n", "X-Many: x\r\n")},
	{Name: "gzip bomb", answer: func(l *line) {
		if l.request() && l.say(ok+"Content-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n") {
			l.forever(bomb())
		}
	}},
	{Name: "length too short", answer: answers(ok + "Content-Length: 2\r\n\r\nok and more of it")},
	{Name: "two answers to one request", answer: answers(ok + "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")},
	{Name: "length too long", answer: thenHangsUp(ok + "Content-Length: 100\r\n\r\nshort")},
	{Name: "length too long and hangs", answer: answers(ok + "Content-Length: 100\r\n\r\nshort")},
	{Name: "huge length", answer: withoutEnd(ok+"Content-Length: 9223372036854775807\r\n\r\n", strings.Repeat("x", 1<<10))},
	{Name: "length beyond numbers", answer: answers(ok + "Content-Length: 9223372036854775808\r\n\r\nok")},
	{Name: "negative length", answer: answers(ok + "Content-Length: -1\r\n\r\nok")},
	{Name: "two lengths", answer: answers(ok + "Content-Length: 2\r\nContent-Length: 5\r\n\r\nokxyz")},
	{Name: "length and chunks", answer: answers(ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")},
	{Name: "informational answers without end", answer: withoutEnd("", "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")},
	{Name: "dribbles informational answers", answer: func(l *line) {
		for l.request(); l.say("HTTP/1.1 102 Processing\r\n\r\n"); {
			time.Sleep(time.Second)
		}
	}},
	{Name: "switches protocols", answer: withoutEnd("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lab\r\n\r\n", "lab")},
	{Name: "garbage", answer: withoutEnd("", "220 mail.example.com ESMTP\r\n")},
	{Name: "zeros", answer: withoutEnd("", strings.Repeat("\x00", 1<<10))},
	{Name: "speaks before it is asked", answer: func(l *line) { l.forever("NOTICE AUTH: looking up your hostname\r\n") }},
	{Name: "HTTP/2 unasked", answer: withoutEnd("", "\x00\x00\x00\x04\x00\x00\x00\x00\x00")},
	{Name: "status 000", answer: answers("HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n")},
	{Name: "status 999", answer: answers("HTTP/1.1 999 Everything\r\nContent-Length: 0\r\n\r\n")},
	{Name: "status of two digits", answer: answers("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n")},
	{Name: "status below zero", answer: answers("HTTP/1.1 -10 OK\r\nContent-Length: 0\r\n\r\n")},
	{Name: "zeros in the reason", answer: answers("HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n")},
	{Name: "zeros in a header", answer: answers(ok + "X-Zero: a\x00b\r\nContent-Length: 0\r\n\r\n")},
	{Name: "zeros in the body", answer: answers(ok + "Content-Length: 3\r\n\r\na\x00b")},
	{Name: "header without colon", answer: answers(ok + "no colon\r\n\r\n")},
	{Name: "hangs up at once", answer: func(l *line) { l.hangUp() }},
	{Name: "hangs up in the header", answer: thenHangsUp(ok + "X-")},
	{Name: "hangs up in a chunk", answer: thenHangsUp(ok + "Transfer-Encoding: chunked\r\n\r\nff\r\nshort")},
	{Name: "redirects to itself", answer: answers("HTTP/1.1 307 Temporary Redirect\r\nLocation: /lab\r\nContent-Length: 0\r\n\r\n")},
	{Name: "redirects inside", answer: answers("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/\r\nContent-Length: 0\r\n\r\n")},

	{Name: "garbage for TLS", speaks: broken, answer: func(l *line) { l.forever("220 mail.example.com ESMTP\r\n") }},
	{Name: "HTTP for TLS", speaks: broken, answer: func(l *line) { l.say("HTTP/1.1 400 Bad Request\r\n\r\n") }},
	{Name: "no handshake", speaks: broken, answer: func(*line) {}},
	{Name: "endless handshake", speaks: broken, answer: func(l *line) {
		// A ServerHello that never comes to its end: the largest record again and again.
		l.forever("\x16\x03\x03\x40\x00\x02\xff\xff\xff" + strings.Repeat("\x00", 1<<14-4))
	}},

	{Name: "half-close", Sockets: true, answer: func(l *line) {
		l.request()
		l.halfClose()
	}},
	{Name: "resets at once", Sockets: true, answer: func(l *line) {
		l.request()
		l.reset()
	}},
	{Name: "resets in the body", Sockets: true, answer: func(l *line) {
		if l.request() && l.say(ok+"Content-Length: 100\r\n\r\nshort") {
			l.reset()
		}
	}},
	{Name: "resets in the handshake", Sockets: true, speaks: broken, answer: func(l *line) {
		<-l.heard
		l.reset()
	}},
}
