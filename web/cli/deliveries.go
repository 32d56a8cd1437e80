package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"labhook/engine"
)

// deliveryCommands are those below deliveries.
var deliveryCommands = []Command{
	{Name: "list", Summary: "list deliveries, newest first", Run: listDeliveries},
	{Name: "show", Summary: "show a delivery with its attempts, and why it failed", Run: showDelivery},
	{Name: "resend", Summary: "make one more attempt of deliveries that have ended", Run: resendDeliveries},
	{Name: "cancel", Summary: "cancel deliveries that have not ended", Run: cancelDeliveries},
}

// listedDelivery is what is printed of a delivery.
type listedDelivery struct {
	ID            string     `json:"id"`
	State         string     `json:"state"`
	Event         string     `json:"event"`
	EventType     string     `json:"event_type"`
	Subject       string     `json:"subject"`
	ConsumerName  string     `json:"consumer_name"`
	Webhook       string     `json:"webhook"`
	WebhookName   string     `json:"webhook_name"`
	Blocking      bool       `json:"blocking"`
	AttemptsMade  int        `json:"attempts_made"`
	AttemptsInAll int        `json:"attempts_in_all"`
	DueAt         *time.Time `json:"due_at"`
	FinishedAt    *time.Time `json:"finished_at"`
	Reason        string     `json:"reason"`
	FailureClass  string     `json:"failure_class"`
	LastStatus    *int       `json:"last_status"`
	ErrorAction   string     `json:"error_action"`
	CreatedAt     time.Time  `json:"created_at"`
}

// deliveryHead names the columns of add.
var deliveryHead = []string{"CREATED", "ID", "STATE", "EVENT", "SUBJECT", "WEBHOOK", "ATTEMPTS", "LAST"}

// add appends the delivery to a table.
func (d *listedDelivery) add(t *table) {
	t.add(local(d.CreatedAt), d.ID, d.State, d.EventType, d.Subject, d.WebhookName,
		fmt.Sprintf("%d of %d", d.AttemptsMade, d.AttemptsInAll), d.last())
	t.colour(2, stateColour(d.State))
}

// last says what came of the latest attempt: the status, or why there is none.
func (d *listedDelivery) last() string {
	switch {
	case d.Reason != "":
		return d.Reason
	case d.LastStatus != nil && (d.FailureClass == "" || d.FailureClass == string(engine.ClassStatus)):
		return strconv.Itoa(*d.LastStatus)
	case d.LastStatus != nil:
		return fmt.Sprintf("%d, %s", *d.LastStatus, d.FailureClass)
	}
	return d.FailureClass
}

// states is a flag with states of deliveries, separated by commas; it may be given several times.
type states []string

func (s *states) String() string { return strings.Join(*s, ",") }

// Set adds states.
func (s *states) Set(text string) error {
	for state := range strings.SplitSeq(text, ",") {
		if !slices.Contains(stateNames(), state) {
			return fmt.Errorf("there is no state %q; the states are %s", state, strings.Join(stateNames(), ", "))
		}
		*s = append(*s, state)
	}
	return nil
}

// stateNames lists the states of deliveries.
func stateNames() []string {
	names := make([]string, len(engine.DeliveryStates))
	for i, state := range engine.DeliveryStates {
		names[i] = string(state)
	}
	return names
}

func listDeliveries(ctx context.Context, env Env, args []string) error {
	q := newQuery(env, "deliveries list", "list the deliveries of a server, newest first")
	var wanted states
	q.Var(&wanted, "status", "only those in these `STATES`, separated by commas: "+strings.Join(stateNames(), ", "))
	q.text("webhook", "only those of the webhook with this `ID`")
	q.text("consumer", "only those of the API consumer with this `NAME` (id or external id)")
	q.text("event", "only those of the event with this `ID`, Labhook's or the sender's")
	q.text("type", "only those of events of a `TYPE`: a code such as lab.scored, or a label")
	q.text("subject", "only those about this `TEXT`, such as a lab instance's id")
	test := q.String("test", "", "true: only `TESTS` of webhooks; false: only others")
	q.example = "labhook deliveries list --status failed --since 1d --json"
	q.choices["status"], q.choices["type"], q.choices["test"] = stateNames(), codes(), []string{"true", "false"}
	c, err := q.parse(args)
	if err != nil {
		return err
	}
	values, err := q.values()
	if err != nil {
		return err
	}
	switch *test {
	case "":
	case "true", "false":
		values.Set("test", *test)
	default:
		return q.problem("--test must be true or false")
	}
	values["status"] = wanted
	return q.list(ctx, c, "/api/v1/deliveries", values, deliveryHead, func(t *table, raw json.RawMessage) error {
		var d listedDelivery
		if err := json.Unmarshal(raw, &d); err != nil {
			return fmt.Errorf("read delivery: %w", err)
		}
		d.add(t)
		return nil
	})
}

func resendDeliveries(ctx context.Context, env Env, args []string) error {
	f := newAPIFlags(env, "deliveries resend", "make one more attempt of deliveries that have ended; one that cannot be resent does not keep the others")
	f.arguments = []string{"ID..."}
	f.example = "labhook deliveries resend dlv_01jc9xw2m4t7k"
	c, err := f.parse(args)
	if err != nil {
		return err
	}
	return f.eachDelivery(ctx, c, "resend", nil)
}

func cancelDeliveries(ctx context.Context, env Env, args []string) error {
	f := newAPIFlags(env, "deliveries cancel", "cancel deliveries that have not ended")
	f.arguments = []string{"ID..."}
	f.example = `labhook deliveries cancel --reason "the class was called off" dlv_01jc9xw2m4t7k`
	reason := f.String("reason", "", "`TEXT` for people who look at the delivery later")
	c, err := f.parse(args)
	if err != nil {
		return err
	}
	return f.eachDelivery(ctx, c, "cancel", map[string]string{"reason": *reason})
}

// eachDelivery asks for the same of every delivery that was named and prints what each one is then. What is refused
// goes to standard error; the exit code is the highest one.
func (f *apiFlags) eachDelivery(ctx context.Context, c *client, verb string, body any) error {
	t := &table{paint: painter(f.env.Colour)}
	t.add(deliveryHead...)
	code := exitOK
	for _, id := range f.given {
		var answer json.RawMessage
		_, err := c.do(ctx, http.MethodPost, "/api/v1/deliveries/"+url.PathEscape(id)+"/"+verb, body, &answer)
		switch {
		case err != nil && len(f.given) == 1:
			return err
		case err != nil:
			fmt.Fprintf(f.env.Stderr, "labhook: %s: %s\n", printable(id), err)
			code = max(code, ExitCode(err))
			continue
		case f.asJSON:
			if err := printLine(f.env.Stdout, answer); err != nil {
				return err
			}
			continue
		}
		var d listedDelivery
		if err := json.Unmarshal(answer, &d); err != nil {
			return fmt.Errorf("read delivery: %w", err)
		}
		d.add(t)
	}
	if len(t.rows) > 1 {
		if err := t.print(f.env.Stdout, ""); err != nil {
			return err
		}
	}
	if code != exitOK {
		return &ExitError{code}
	}
	return nil
}
