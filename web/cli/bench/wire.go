package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"labhook/engine"
)

// bodyBytes is how many bytes the lab details of the measured events have.
const bodyBytes = 700

// The places in the body that differ from event to event: the lab instance, and the number and time of the event, which
// the receiver reads back. All have a fixed number of digits.
const (
	idDigits     = 10
	numberDigits = 12
	timeDigits   = 19
)

// template is the lab details of an event, cut at the places that differ.
type template struct{ head, middle, tail []byte }

func newTemplate() template {
	number := fmt.Sprintf("%0*d.%0*d", numberDigits, 0, timeDigits, 0)
	const id = 1_000_000_000
	lab := engine.SampleLabDetails().With(map[string]any{"Id": id, "CustomData": number})
	missing := bodyBytes - len(lab.Body())
	name := lab.Text("LabProfileName") + string(bytes.Repeat([]byte("."), max(0, missing)))
	body := lab.With(map[string]any{"LabProfileName": name}).Body()
	i := bytes.Index(body, []byte(strconv.Itoa(id)))
	j := bytes.Index(body, []byte(number))
	return template{body[:i], body[i+idDigits : j], body[j+len(number):]}
}

// appendBody appends the lab details of event number n, made at a time in nanoseconds since 1970.
func (t *template) appendBody(b []byte, n, at int64) []byte {
	b = append(b, t.head...)
	b = appendDigits(b, 1_000_000_000+n, idDigits)
	b = append(b, t.middle...)
	b = appendDigits(b, n, numberDigits)
	b = append(b, '.')
	b = appendDigits(b, at, timeDigits)
	return append(b, t.tail...)
}

func appendDigits(b []byte, n int64, digits int) []byte {
	for range digits {
		b = append(b, '0')
	}
	for i := len(b) - 1; n > 0 && i >= len(b)-digits; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// readNumber returns the number and time of the event whose lab details these are; -1 when they are none.
func readNumber(body []byte) (n, at int64) {
	const before = `"CustomData":"`
	i := bytes.Index(body, []byte(before))
	if i < 0 || len(body) < i+len(before)+numberDigits+1+timeDigits {
		return -1, 0
	}
	text := body[i+len(before):]
	return digits(text[:numberDigits]), digits(text[numberDigits+1 : numberDigits+1+timeDigits])
}

func digits(text []byte) (n int64) {
	for _, c := range text {
		n = n*10 + int64(c-'0')
	}
	return n
}

// times collects how long things took. Safe for concurrent use.
type times struct {
	mu   sync.Mutex
	took []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took = append(t.took, d)
}

// Quantiles are of times in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// take returns the quantiles since the last call.
func (t *times) take() Quantiles {
	t.mu.Lock()
	took := t.took
	t.took = nil
	t.mu.Unlock()
	if len(took) == 0 {
		return Quantiles{}
	}
	slices.Sort(took)
	at := func(percent int) float64 {
		return float64(took[min(len(took)-1, len(took)*percent/100)].Microseconds()) / 1000
	}
	return Quantiles{at(50), at(99), float64(took[len(took)-1].Microseconds()) / 1000}
}

// serveLines answers each line of JSON on in with one on out, until in ends.
func serveLines[I, O any](in io.Reader, out io.Writer, answer func(I) O) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var i I
		if err := requests.Decode(&i); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := answers.Encode(answer(i)); err != nil {
			return err
		}
	}
}
