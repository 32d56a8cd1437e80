package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
)

// webhookCommands are those below webhooks.
var webhookCommands = []Command{
	{Name: "list", Summary: "list them with their ids", Run: listWebhooks},
	{Name: "ping", Summary: "ask the receiver of a webhook whether it answers", Run: pingWebhook},
	{Name: "test", Summary: "send it an example, by default of its first event", Run: testWebhook},
}

// jsonUsage is what --json does.
const jsonUsage = "print JSON, of a list one object a line; where the output is no terminal it always is"

// apiFlags are the flags of a command that calls the API and prints what it answers.
type apiFlags struct {
	*flags
	url, key string
	asJSON   bool
}

func newAPIFlags(env Env, command, summary string) *apiFlags {
	f := &apiFlags{flags: newFlags(env, command, summary)}
	f.StringVar(&f.url, "url", DefaultServer, "`URL` of the server")
	f.StringVar(&f.key, "key", "", "API `KEY`; better given in the environment")
	f.BoolVar(&f.asJSON, "json", false, jsonUsage)
	f.fromEnv = []string{"url", "key"}
	return f
}

// parse reads the arguments and returns a client for what they say.
func (f *apiFlags) parse(args []string) (*client, error) {
	if err := f.flags.parse(args); err != nil {
		return nil, err
	}
	if f.key == "" {
		return nil, f.problem("name the API key with --key, LABHOOK_KEY or LABHOOK_KEY_FILE; labhook key create makes one")
	}
	if err := f.checkServer(f.url); err != nil {
		return nil, err
	}
	f.asJSON = f.asJSON || !f.env.Terminal
	return newClient(f.url, f.key, f.env.Version), nil
}

// show reads the one thing that the arguments name, at path, and prints it: for a person by print, else as JSON.
func (f *apiFlags) show(ctx context.Context, args []string, path string, print func(answer json.RawMessage) error) error {
	f.arguments = []string{"ID"}
	c, err := f.parse(args)
	if err != nil {
		return err
	}
	var answer json.RawMessage
	if _, err := c.do(ctx, http.MethodGet, path+url.PathEscape(f.given[0]), nil, &answer); err != nil {
		return err
	}
	if f.asJSON {
		return printJSON(f.env.Stdout, answer)
	}
	return print(answer)
}

// listedWebhook is what the table shows of a webhook.
type listedWebhook struct {
	ID               string     `json:"id"`
	Name             string     `json:"name"`
	Events           []string   `json:"events"`
	Verb             string     `json:"verb"`
	URL              string     `json:"url"`
	Enabled          bool       `json:"enabled"`
	DeactivateReason *string    `json:"deactivate_reason"`
	PausedUntil      *time.Time `json:"paused_until"`
}

// state says in a word or two whether a webhook is in use.
func (w *listedWebhook) state() string {
	switch {
	case !w.Enabled && w.DeactivateReason != nil && *w.DeactivateReason != string(engine.DeactivatedByHand):
		return "deactivated: " + *w.DeactivateReason
	case !w.Enabled:
		return "disabled"
	case w.PausedUntil != nil:
		return "paused"
	}
	return "enabled"
}

func listWebhooks(ctx context.Context, env Env, args []string) error {
	f := newAPIFlags(env, "webhooks list", "list the webhooks of a server")
	consumer := f.String("consumer", "", "`NAME` of an API consumer (id or external id), whose webhooks alone are listed")
	f.example = "labhook webhooks list --consumer contoso"
	c, err := f.parse(args)
	if err != nil {
		return err
	}
	query := url.Values{"limit": {strconv.Itoa(engine.MaxPageSize)}}
	if *consumer != "" {
		query.Set("consumer", *consumer)
	}
	t := &table{paint: painter(env.Colour)}
	t.add("ID", "NAME", "STATE", "EVENTS", "REQUEST")
	for {
		var page struct {
			Data []json.RawMessage `json:"data"`
			Next *string           `json:"next"`
		}
		if _, err := c.do(ctx, http.MethodGet, "/api/v1/webhooks?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		for _, raw := range page.Data {
			if err := f.showWebhook(t, raw); err != nil {
				return err
			}
		}
		if page.Next == nil {
			break
		}
		query.Set("after", *page.Next)
	}
	if f.asJSON {
		return nil
	}
	return t.print(env.Stdout, "")
}

// showWebhook prints a webhook as a line of JSON, or appends it to the table.
func (f *apiFlags) showWebhook(t *table, raw json.RawMessage) error {
	if f.asJSON {
		return printLine(f.env.Stdout, raw)
	}
	var w listedWebhook
	if err := json.Unmarshal(raw, &w); err != nil {
		return fmt.Errorf("read webhook: %w", err)
	}
	t.add(w.ID, w.Name, w.state(), eventWords(w.Events), w.Verb+" "+w.URL)
	return nil
}

// eventWords names the events of a webhook, the first of many.
func eventWords(events []string) string {
	switch {
	case len(events) == 1 && events[0] == engine.AllEvents:
		return "all"
	case len(events) > 1:
		return fmt.Sprintf("%s and %d more", events[0], len(events)-1)
	}
	return strings.Join(events, "")
}

func pingWebhook(ctx context.Context, env Env, args []string) error {
	f := newAPIFlags(env, "webhooks ping", "ask the receiver of a webhook whether it answers; the exit code is 0 when it does, 3 when it does not")
	f.arguments = []string{"ID"}
	f.example = "labhook webhooks ping wh_01jc9xw2m4t7k"
	c, err := f.parse(args)
	if err != nil {
		return err
	}
	return f.tryWebhook(ctx, c, "ping", nil)
}

// testPost is the body of POST /api/v1/webhooks/{wh}/test.
type testPost struct {
	Type  string          `json:"type,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	Force bool            `json:"force,omitempty"`
}

func testWebhook(ctx context.Context, env Env, args []string) error {
	f := newAPIFlags(env, "webhooks test", "send an example to a webhook, once; the exit code is 0 when the receiver takes it, 3 when it does not")
	f.arguments = []string{"ID"}
	f.example = "labhook webhooks test wh_01jc9xw2m4t7k --event lab.scored --data scored.json"
	var post testPost
	f.StringVar(&post.Type, "event", "", "event type, a `CODE` or label; without it the first one that the webhook listens to")
	data := f.String("data", "", "the event's `DATA`: a file, - for standard input, or a JSON object; without it the type's sample")
	f.BoolVar(&post.Force, "force", false, "send it though the webhook is disabled")
	c, err := f.parse(args)
	if err != nil {
		return err
	}
	if *data != "" {
		read, err := readData(*data, env.Stdin)
		if err != nil {
			return f.problem("%s", err)
		}
		if problem := engine.JSONProblem(string(read)); problem != "" {
			return f.problem("--data is not JSON: %s", problem)
		}
		post.Data = read
	}
	return f.tryWebhook(ctx, c, "test", post)
}

// readData returns the data that a flag names: a file's, those of standard input, or the JSON object that it is.
func readData(given string, stdin io.Reader) ([]byte, error) {
	switch {
	case given == "-":
		return io.ReadAll(io.LimitReader(stdin, engine.MaxEventData+1))
	case strings.HasPrefix(strings.TrimSpace(given), "{"):
		return []byte(given), nil
	}
	data, err := os.ReadFile(given)
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	return data, nil
}

// tryWebhook pings or tests a webhook, prints what came of it, and returns an ExitError when the receiver failed.
func (f *apiFlags) tryWebhook(ctx context.Context, c *client, verb string, body any) error {
	c.http.Timeout += engine.MaxTimeout // the server waits for the receiver
	var answer json.RawMessage
	if _, err := c.do(ctx, http.MethodPost, "/api/v1/webhooks/"+url.PathEscape(f.given[0])+"/"+verb, body, &answer); err != nil {
		return err
	}
	var result testResult
	if err := json.Unmarshal(answer, &result); err != nil {
		return fmt.Errorf("read answer of %s: %w", c.base, err)
	}
	if f.asJSON {
		if err := printJSON(f.env.Stdout, answer); err != nil {
			return err
		}
	} else {
		result.print(f.env.Stdout, painter(f.env.Colour))
	}
	if !result.Succeeded {
		return &ExitError{exitReceiver}
	}
	return nil
}

// printJSON prints a value as people and programs read it.
func printJSON(w io.Writer, value any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(value); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
