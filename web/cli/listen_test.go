package cli

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"labhook/engine/receiver"
)

// printed returns what one request looks like.
func printed(p requestPrinter, req receiver.Request) string {
	var out bytes.Buffer
	p.w = &out
	p.print(req)
	return out.String()
}

func TestPrintRequest(t *testing.T) {
	t.Parallel()
	req := receiver.Request{
		At: time.Date(2026, 10, 22, 14, 2, 11, 345_000_000, time.Local), Number: 7, Verb: "POST", Path: "/lab", RawQuery: "a=b",
		Header: http.Header{"Labhook-Event": {"lab.scored"}, "Labhook-Attempt": {"2"}, "A": {"\x1b[31mred"}},
		Body:   []byte(`{"Id":1,"Name":"Zoë"}`), Answer: receiver.Answer{Status: 503},
	}
	const head = "14:02:11.345  POST /lab?a=b  → 503  lab.scored, attempt 2\n"
	const full = head +
		"  A: \uFFFD[31mred\n  Labhook-Attempt: 2\n  Labhook-Event: lab.scored\n\n  {\n    \"Id\": 1,\n    \"Name\": \"Zoë\"\n  }\n\n"
	if got := printed(requestPrinter{quiet: true}, req); got != head {
		t.Errorf("quiet: got %q, want %q", got, head)
	}
	if got := printed(requestPrinter{}, req); got != full {
		t.Errorf("got\n%s\nwant\n%s", got, full)
	}
	if got := printed(requestPrinter{paint: true, quiet: true}, req); !strings.Contains(got, "\x1b[31m503\x1b[0m") {
		t.Errorf("the status is not red: %q", got)
	}
	const line = `"verb":"POST","path":"/lab","query":"a=b","headers":{"A":["\u001b[31mred"],`
	if got := printed(requestPrinter{json: true}, req); !strings.Contains(got, line) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %s", got)
	}
	req.Body = []byte{0xff, 0xfe}
	if got := printed(requestPrinter{}, req); !strings.Contains(got, "(2 bytes that are no text)") {
		t.Errorf("got %s", got)
	}
}

func TestAnswerColour(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		answer receiver.Answer
		want   string
	}{
		{receiver.Answer{Status: 200}, green},
		{receiver.Answer{Status: 302}, yellow},
		{receiver.Answer{Status: 404}, yellow},
		{receiver.Answer{Status: 500}, red},
		{receiver.Answer{Hang: true}, red},
		{receiver.Answer{Status: 200, Drop: true}, red},
	} {
		if got := answerColour(tt.answer); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.answer, got, tt.want)
		}
	}
}
