package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
)

// DefaultServer is the URL that send posts to.
const DefaultServer = "http://" + DefaultListen

// Limits of one send.
const (
	maxCount = 1_000_000                         // events
	maxWait  = int(engine.MaxWait / time.Second) // seconds
)

// eventPost is the body of POST /api/v1/events.
type eventPost struct {
	ID       string          `json:"id,omitempty"`
	Type     string          `json:"type"`
	Consumer string          `json:"consumer,omitempty"`
	Subject  string          `json:"subject,omitempty"`
	Data     json.RawMessage `json:"data"`
}

// sendOptions is what send was asked for.
type sendOptions struct {
	url, key string
	event    eventPost
	lab      int64
	data     string
	set      pairs
	count    int
	wait     int // seconds; 0: not
}

// Send posts one or more events and prints the answers.
func Send(ctx context.Context, env Env, args []string) error {
	o, err := sendFlags(env, args)
	if err != nil {
		return err
	}
	c := newClient(o.url, o.key, env.Version)
	c.http.Timeout += time.Duration(o.wait) * time.Second
	// On a terminal the answers show how far it is.
	bar := &progressBar{w: io.Discard}
	if o.count > 1 && !env.Terminal {
		bar = newProgressBar(env)
	}
	defer bar.clear()
	code := 0
	for n := 1; n <= o.count; n++ {
		event := o.event
		if event.ID != "" && o.count > 1 {
			event.ID += "-" + strconv.Itoa(n)
		}
		var answer json.RawMessage
		status, err := c.do(ctx, http.MethodPost, o.path(), event, &answer)
		if err != nil {
			return err
		}
		said := strconv.Itoa(status) + " " + http.StatusText(status)
		if o.wait > 0 {
			verdict, verdictCode := readVerdict(status, answer)
			said, code = said+": "+verdict, max(code, verdictCode)
		}
		if o.count == 1 {
			fmt.Fprintln(env.Stderr, said)
			fmt.Fprintln(env.Stdout, pretty(answer))
			continue
		}
		if _, err := fmt.Fprintln(env.Stdout, string(bytes.TrimSpace(answer))); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		bar.show(float64(n)/float64(o.count), fmt.Sprintf("%d of %d events posted", n, o.count))
	}
	if code != 0 {
		return &ExitError{code}
	}
	return nil
}

// path is where the events are posted to.
func (o *sendOptions) path() string {
	const path = "/api/v1/events"
	if o.wait == 0 {
		return path
	}
	return path + "?wait=" + strconv.Itoa(o.wait)
}

// readVerdict returns what the answer to a sender that waited says, in words and as an exit code.
func readVerdict(status int, answer json.RawMessage) (words string, code int) {
	var verdict struct {
		Action engine.Action `json:"action"`
	}
	if status != http.StatusOK || json.Unmarshal(answer, &verdict) != nil {
		return "no verdict yet; the same --id again waits on", exitNoVerdict
	}
	switch verdict.Action {
	case engine.ActionNotifyUser:
		code = exitNotifyUser
	case engine.ActionEndLab:
		code = exitEndLab
	}
	return string(verdict.Action), code
}

func sendFlags(env Env, args []string) (sendOptions, error) {
	var o sendOptions
	f := newFlags(env, "send", "post an event to a server and print its answer")
	f.StringVar(&o.url, "url", DefaultServer, "`URL` of the server")
	f.StringVar(&o.key, "key", "", "API `KEY` that may send events; better given in the environment")
	f.StringVar(&o.event.Type, "type", "", "event `TYPE`: a code such as lab.scored, or a label such as \"Scored\"")
	f.Int64Var(&o.lab, "lab", 0, "`ID` of the lab instance, in the sample data")
	f.StringVar(&o.event.Consumer, "consumer", "", "`NAME` of the API consumer (id or external id) that the event is for; without it, all")
	f.StringVar(&o.event.Subject, "subject", "", "what the event is about, a `TEXT`; without it the lab instance")
	f.StringVar(&o.event.ID, "id", "", "the event's own `ID`: sent twice it is accepted once")
	f.StringVar(&o.data, "data", "", "the event's `DATA`: a file, - for standard input, or a JSON object; without it the type's sample")
	f.Var(&o.set, "set", "`FIELD=VALUE` that replaces a field of the data, such as ExamPassed=true; may be given several times")
	f.IntVar(&o.count, "count", 1, "`NUMBER` of events to post; with --id each gets a number behind it")
	f.IntVar(&o.wait, "wait", 0, "wait `SECONDS` for the verdict of the event's blocking webhooks; the exit code is 0 for continue, 3 for notify_user, 4 for end_lab, 5 when the time is over")
	f.fromEnv = []string{"url", "key"}
	f.example = "labhook send --type lab.scored --consumer contoso --lab 998592321 --set ExamPassed=true"
	f.choices["type"] = codes()
	if err := f.parse(args); err != nil {
		return o, err
	}
	kind, known := engine.BuiltIn.Find(o.event.Type)
	switch {
	case o.event.Type == "":
		return o, f.problem("name the event type with --type, such as --type %s", engine.LabScored)
	case known && !kind.Sendable():
		return o, f.problem("%s is a system event, which the server raises itself", kind.Code)
	case !known && o.data == "":
		return o, f.problem("there is no event type %q; the codes are %s; one that an administrator added to the server needs --data",
			o.event.Type, strings.Join(codes(), ", "))
	case o.count < 1 || o.count > maxCount:
		return o, f.problem("--count must be from 1 to %d", maxCount)
	case o.wait < 0 || o.wait > maxWait:
		return o, f.problem("--wait must be from 1 to %d seconds, or 0 for not at all", maxWait)
	case o.key == "":
		return o, f.problem("name the API key with --key, LABHOOK_KEY or LABHOOK_KEY_FILE; labhook key create makes one")
	}
	if err := f.checkServer(o.url); err != nil {
		return o, err
	}
	if known {
		o.event.Type = kind.Code
	}
	data, err := o.eventData(env.Stdin, kind)
	if err != nil {
		return o, f.problem("%s", err)
	}
	o.event.Data = data
	return o, nil
}

// codes lists the event types that can be sent: system events are raised by the server itself.
func codes() []string {
	var list []string
	for _, t := range engine.BuiltIn.All() {
		if t.Sendable() {
			list = append(list, t.Code)
		}
	}
	return list
}

// eventData returns the data that were named, or the type's sample, with the fields that were set.
func (o *sendOptions) eventData(stdin io.Reader, kind engine.EventType) (json.RawMessage, error) {
	data, err := o.givenData(stdin, kind)
	if err != nil {
		return nil, err
	}
	var fields object
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	if o.lab != 0 {
		fields.set("Id", json.RawMessage(strconv.FormatInt(o.lab, 10)))
	}
	for _, pair := range o.set {
		fields.set(pair[0], jsonValue(pair[1]))
	}
	return fields.MarshalJSON()
}

func (o *sendOptions) givenData(stdin io.Reader, kind engine.EventType) ([]byte, error) {
	if o.data == "" {
		return kind.Sample(), nil
	}
	return readData(o.data, stdin)
}

// jsonValue reads a value as it is typed: a number, true, false, null, any other JSON, or else a text.
func jsonValue(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	quoted, _ := json.Marshal(text) // a string always has a JSON form
	return quoted
}

// object is a JSON object whose fields keep their order.
type object struct {
	names  []string
	values map[string]json.RawMessage
}

func (o *object) set(name string, value json.RawMessage) {
	if !slices.Contains(o.names, name) {
		o.names = append(o.names, name)
	}
	o.values[name] = value
}

// UnmarshalJSON reads an object.
func (o *object) UnmarshalJSON(data []byte) error {
	o.names, o.values = nil, map[string]json.RawMessage{}
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return fmt.Errorf("a JSON object is wanted")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		o.set(name.(string), value) // inside an object the decoder yields nothing but texts here
	}
	return nil
}

// MarshalJSON writes the object in one line.
func (o *object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			out.WriteByte(',')
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		out.Write(quoted)
		out.WriteByte(':')
		if err := json.Compact(&out, o.values[name]); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
