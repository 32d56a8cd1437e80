package receiver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine/receiver"
)

func status(code int, body string) receiver.Answer { return receiver.Answer{Status: code, Body: body} }

var (
	ok          = status(200, "OK\n")
	failing     = status(500, "Internal Server Error\n")
	unavailable = status(503, "Service Unavailable\n")
)

func TestParseScript(t *testing.T) {
	t.Parallel()
	late := func(a receiver.Answer, d time.Duration) receiver.Answer { a.Delay = d; return a }
	tests := map[string]receiver.Script{
		"200":                         {{Answer: ok}},
		"503":                         {{Answer: unavailable}},
		"  503  ":                     {{Answer: unavailable}},
		"204":                         {{Answer: status(204, "")}},
		"599":                         {{Answer: status(599, "")}},
		"503 twice, then 200":         {{Answer: unavailable, Times: 2}, {Answer: ok}},
		"503 twice then 200":          {{Answer: unavailable, Times: 2}, {Answer: ok}},
		"503 TWICE,THEN 200":          {{Answer: unavailable, Times: 2}, {Answer: ok}},
		"503 once; 200":               {{Answer: unavailable, Times: 1}, {Answer: ok}},
		"503 x2, 200":                 {{Answer: unavailable, Times: 2}, {Answer: ok}},
		"500 3 times then 200":        {{Answer: failing, Times: 3}, {Answer: ok}},
		"500 1 time, 503, 200":        {{Answer: failing, Times: 1}, {Answer: unavailable}, {Answer: ok}},
		"503 twice":                   {{Answer: unavailable}}, // the last step repeats, so how often means nothing
		"hang":                        {{Answer: receiver.Answer{Hang: true}}},
		"drop":                        {{Answer: receiver.Answer{Drop: true}}},
		"drop x2, hang after 1s, 200": {{Answer: receiver.Answer{Drop: true}, Times: 2}, {Answer: receiver.Answer{Hang: true, Delay: time.Second}}, {Answer: ok}},
		"200 hang":                    {{Answer: receiver.Answer{Status: 200, Body: "OK\n", Hang: true}}},
		"200 drop":                    {{Answer: receiver.Answer{Status: 200, Body: "OK\n", Drop: true}}},
		"200 after 2s":                {{Answer: late(ok, 2*time.Second)}},
		"200 after 2 s":               {{Answer: late(ok, 2*time.Second)}},
		"200 after 2 seconds":         {{Answer: late(ok, 2*time.Second)}},
		"200 after 1 minute":          {{Answer: late(ok, time.Minute)}},
		"200 after 500ms":             {{Answer: late(ok, 500*time.Millisecond)}},
		"200 after 1.5s":              {{Answer: late(ok, 1500*time.Millisecond)}},
		"200 after 10m":               {{Answer: late(ok, receiver.MaxDelay)}},
		"503 after 1s twice, 200":     {{Answer: late(unavailable, time.Second), Times: 2}, {Answer: ok}},
		"random 10% 503":              {{Answer: unavailable, Percent: 10}},
		"random 0.5% drop":            {{Answer: receiver.Answer{Drop: true}, Percent: 0.5}},
		"random 100% 503 x9, 200":     {{Answer: unavailable, Percent: 100, Times: 9}, {Answer: ok}},
	}
	for text, want := range tests {
		got, err := receiver.ParseScript(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseScriptRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // script → what the message must hold
		"":                                  "a step is missing",
		"   ":                               "a step is missing",
		",":                                 "a step is missing",
		"200,":                              "a step is missing",
		"200,,503":                          "a step is missing",
		"then 200":                          "a step is missing",
		"200 then":                          "a step is missing",
		"200 then then 503":                 "a step is missing",
		"foo":                               `"foo" is not understood`,
		"503 foo":                           `"foo" is not understood`,
		"503 twice, bar 200":                `"bar" is not understood`,
		"200 503":                           `"503" is not understood`,
		"100":                               "100 is no status",
		"199":                               "199 is no status",
		"600":                               "600 is no status",
		"-1":                                "-1 is no status",
		"503 x":                             `"x" is not understood`,
		"503 x0":                            `"0" is no number of times`,
		"503 x-1":                           `"-1" is no number of times`,
		"503 xx":                            `"x" is no number of times`,
		"503 0 times":                       `"0" is no number of times`,
		"503 many times":                    `"many" is no number of times`,
		"503 1000001 times":                 `"1000001" is no number of times`,
		"503 twice x2":                      "it says twice how often",
		"200 after":                         `"" is no delay`,
		"200 after 2":                       `"2" is no delay`,
		"200 after soon":                    `"soon" is no delay`,
		"200 after -1s":                     `"-1s" is no delay`,
		"200 after 11m":                     `"11m" is no delay`,
		"200 after 1s after 2s":             "it says twice after how long",
		"hang drop":                         `"drop" is not understood`,
		"hang hang":                         `"hang" is not understood`,
		"random":                            `"" is no share`,
		"random 10 503":                     `"10" is no share`,
		"random 0% 503":                     `"0%" is no share`,
		"random 101% 503":                   `"101%" is no share`,
		"random nan% 503":                   `"nan%" is no share`,
		"random 10%":                        "the answer is missing",
		strings.Repeat("200,", 101):         "a step is missing",
		strings.Repeat("200,", 100) + "200": "at most 100 steps",
	}
	for text, want := range tests {
		script, err := receiver.ParseScript(text)
		switch {
		case err == nil:
			t.Errorf("%q: accepted as %q", text, script)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%q: %q does not say %q", text, err, want)
		}
	}
}

// FuzzParseScript checks that whatever is accepted is written and read again as the same script.
func FuzzParseScript(f *testing.F) {
	for _, text := range []string{
		"200", "503 twice, then 200", "500 3 times then hang", "200 after 2s x3; drop", "random 12.5% 200 hang, 404 after 3 minutes", "x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		script, err := receiver.ParseScript(text)
		if err != nil {
			return
		}
		again, err := receiver.ParseScript(script.String())
		if err != nil {
			t.Fatalf("%q is written as %q, which is refused: %v", text, script, err)
		}
		// Once and not said are the same.
		for _, s := range []receiver.Script{script, again} {
			for i := range s {
				s[i].Times = max(s[i].Times, 1)
			}
		}
		if diff := cmp.Diff(script, again); diff != "" {
			t.Fatalf("%q is written as %q, which differs (-was +is):\n%s", text, script, diff)
		}
	})
}
