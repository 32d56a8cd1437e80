package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"labhook/engine"
	"labhook/web/api"
)

// seed makes the random requests others: go test ./web/api -run Random -seed 7.
var seed = flag.Uint64("seed", 1, "of the random requests")

// randomRequests is how many are made of each operation.
const randomRequests = 200

// TestRandomRequests makes requests of every operation from the document, valid and not. Whatever they are, no answer
// is a 500, and the judge sees that each is one that the document describes.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	t.Logf("seed %d", *seed)
	b := setup(t)
	var doc map[string]any
	b.send(t, "GET", "/api/v1/openapi.json", "", "").want(200).into(&doc)
	paths := doc["paths"].(map[string]any)
	n := randomRequests
	if testing.Short() {
		n /= 10
	}
	statuses := map[int]int{}
	for _, op := range operationsIn(paths) {
		r := &requester{Rand: rand.New(rand.NewPCG(*seed, uint64(len(op.path)))), doc: doc, known: b.known(t)}
		for range n {
			status := r.make(t, b, strings.ToUpper(op.method), op.path, paths[op.path].(map[string]any)[op.method].(map[string]any))
			statuses[status]++
		}
	}
	t.Logf("answers by status: %v", statuses)
	if log := b.log.String(); log != "" {
		t.Errorf("the log has errors:\n%s", log)
	}
	for _, status := range []int{200, 201, 202, 204, 400, 403, 404, 409, 412, 413, 415, 422} {
		if statuses[status] == 0 && !testing.Short() {
			t.Errorf("no request was answered with %d: the requests are not varied enough", status)
		}
	}
}

// operation is one of the document.
type operation struct{ method, path string }

// operationsIn returns the operations in order, the deletion of consumers last: what requests name belongs to one.
func operationsIn(paths map[string]any) []operation {
	last := operation{"delete", "/api/v1/consumers/{con}"}
	var list []operation
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range slices.Sorted(maps.Keys(paths[path].(map[string]any))) {
			if op := (operation{method, path}); op != last {
				list = append(list, op)
			}
		}
	}
	return append(list, last)
}

// known makes things that requests can name, and returns their names by parameter and field.
func (b *bundle) known(t *testing.T) map[string][]string {
	t.Helper()
	w := b.webhook(t, b.contoso.ID, "http://127.0.0.1:1/nobody-listens", unsent, func(w *engine.Webhook) {
		w.Name, w.Blocking = "Hook "+engine.NewID[engine.WebhookID]().String(), true
	})
	var ev api.AcceptedEvent
	b.send(t, "POST", "/api/v1/events", "platform", eventJSON(fmt.Sprintf(`"subject": %q,`, w.ID))).want(202).into(&ev)
	own := "own." + w.ID.String()
	if _, err := b.store.CreateEventType(t.Context(), engine.System, engine.OwnEventType{Code: own, Label: own, Sample: "{}"}); err != nil {
		t.Fatal(err)
	}
	var deliveries []string
	for _, d := range ev.Deliveries {
		deliveries = append(deliveries, d.ID)
	}
	ids := []string{w.ID.String(), ev.ID, b.contoso.ID.String(), deliveries[0]}
	return map[string][]string{
		"con": {"contoso", "fabrikam", b.contoso.ID.String()}, "consumer": {"contoso", "fabrikam", b.contoso.ID.String()},
		"wh": {w.ID.String()}, "webhook": {w.ID.String()}, "webhooks": {w.ID.String()},
		"evt": {ev.ID}, "event": {ev.ID}, "dlv": deliveries, "ids": deliveries,
		"key": {"key_0000000000001"}, "code": {own, engine.LabScored, "Saved", "5xx", "timeout"}, "subject": {w.ID.String(), "7"},
		"type": {engine.LabScored, "Saved", own}, "events": {engine.LabScored, "*", "Saved"},
		"url": {"http://127.0.0.1:1/", "https://127.0.0.1:1/{id}", "http://10.0.0.1/"}, "Idempotency-Key": {"k-1", "k-2", ids[0], "a b"},
		"If-Match": {`"1"`, `"9"`, "*", "x"}, "before": {api.Cursor(ids[1]), api.Cursor(ids[3])}, "after": {api.Cursor(ids[1]), api.Cursor(ids[3])},
		"wait": {"0", "601"}, // nobody waits here
		"name": {"Hook"}, "external_id": {"contoso", ""},
	}
}

// requester makes up requests.
type requester struct {
	*rand.Rand
	doc   map[string]any
	known map[string][]string
}

// often reports true so many times in a hundred.
func (r *requester) often(percent int) bool { return r.IntN(100) < percent }

// oneOf draws one of several.
func oneOf[T any](r *requester, list ...T) T { return list[r.IntN(len(list))] }

// make makes one request of an operation, and returns the status of the answer.
func (r *requester) make(t *testing.T, b *bundle, method, path string, op map[string]any) int {
	t.Helper()
	key := oneOf(r, "platform", "platform", "platform", "contoso", "platform-read", "fabrikam")
	query, headers := url.Values{}, []string{}
	parameters, _ := op["parameters"].([]any)
	for _, one := range parameters {
		p := one.(map[string]any)
		name, _ := p["name"].(string)
		value := fmt.Sprint(r.value(name, p["schema"].(map[string]any), 0))
		switch in := p["in"]; {
		case in == "path":
			path = strings.Replace(path, "{"+name+"}", url.PathEscape(strings.Trim(value, "/.")+oneOf(r, "", "", "", "", "", "x")), 1)
		case in == "query" && r.often(25):
			query.Add(name, value)
		case in == "header" && r.often(20):
			headers = append(headers, name, strings.Map(printable, value))
		}
	}
	if strings.Contains(path, "//") || strings.HasSuffix(path, "/") {
		return 0 // nothing is named: that is another path
	}
	if r.often(3) {
		query.Add("colour", "red")
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	body := ""
	if content, ok := op["requestBody"].(map[string]any); ok {
		body = r.body(content["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any))
		headers = append(headers, "Content-Type", oneOf(r, "application/json", "application/json", "application/json", "application/json", "application/json; charset=utf-8", "text/plain", "application/x-ndjson", ";"))
	}
	answer := b.send(t, method, path, key, body, headers...)
	if answer.status == http.StatusInternalServerError {
		t.Errorf("seed %d: %s %s with %s, %q and the body %.2000s\nis answered with %s", *seed, method, path, key, headers, body, answer.body)
	}
	return answer.status
}

func printable(c rune) rune {
	if c < ' ' || c > '~' {
		return -1
	}
	return c
}

// body writes a body, and now and then damages it.
func (r *requester) body(schema map[string]any) string {
	raw, err := json.Marshal(r.value("", schema, 0))
	if err != nil {
		return "{"
	}
	switch text := string(raw); {
	case r.often(1):
		return text + strings.Repeat(" ", 9<<20)
	case r.often(3):
		return text[:r.IntN(len(text))]
	case r.often(3):
		at := r.IntN(len(text))
		return text[:at] + oneOf(r, "\x00", "\xff", "{", "]", `"`, ",", "9", `\ud800`) + text[at:]
	default:
		return text
	}
}

// value makes up a value for a schema, or one that does not fit. name is of the parameter or field.
func (r *requester) value(name string, schema map[string]any, depth int) any {
	if ref, ok := schema["$ref"].(string); ok {
		schemas := r.doc["components"].(map[string]any)["schemas"].(map[string]any)
		return r.value(name, schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any), depth)
	}
	if depth > 0 && r.often(5) {
		return r.junk()
	}
	if forms, ok := schema["oneOf"].([]any); ok {
		return r.value(name, oneOf(r, forms...).(map[string]any), depth)
	}
	if values, ok := schema["enum"].([]any); ok {
		return oneOf(r, values...)
	}
	kind := schema["type"]
	if kinds, ok := kind.([]any); ok {
		kind = oneOf(r, kinds...)
	}
	switch kind {
	case "object":
		return r.object(schema, depth)
	case "array":
		list := []any{}
		for range oneOf(r, 0, 1, 1, 2, 3, 201) {
			list = append(list, r.value(name, schema["items"].(map[string]any), depth+1))
		}
		return list
	case "string":
		return r.text(name, schema)
	case "integer", "number":
		return r.number(schema)
	case "boolean":
		return r.often(50)
	case "null":
		return nil
	}
	return r.junk()
}

func (r *requester) object(schema map[string]any, depth int) map[string]any {
	out := map[string]any{}
	if schema["additionalProperties"] == true || r.often(2) {
		out[oneOf(r, "Id", "colour", "", "a.b")] = r.junk()
	}
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if need := slices.Contains(required, any(name)); need && r.often(97) || !need && r.often(15) {
			out[name] = r.value(name, properties[name].(map[string]any), depth+1)
		}
	}
	return out
}

func (r *requester) text(name string, schema map[string]any) string {
	if list := r.known[name]; len(list) > 0 && r.often(85) {
		return oneOf(r, list...)
	}
	if schema["format"] == "date-time" {
		return oneOf(r, "2026-10-22T14:02:11Z", "2030-01-01T00:00:00.123456789+23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z")
	}
	most, ok := schema["maxLength"].(float64)
	if !ok {
		most = 100
	}
	switch {
	case name == "wait" || r.often(30):
		return oneOf(r, "", " ", "\x00", "é\u202e", "\n", "%", "'; DROP TABLE events; --", "@lab.{x}", "wh_zzzzzzzzzzzzz", strings.Repeat("9", 30))
	case r.often(10):
		return strings.Repeat("x", int(most)+r.IntN(3)-1)
	}
	return fmt.Sprint("text ", r.IntN(1e6))
}

func (r *requester) number(schema map[string]any) any {
	least, ok := schema["minimum"].(float64)
	if !ok {
		least = 0
	}
	most, ok := schema["maximum"].(float64)
	if !ok {
		most = 100
	}
	switch {
	case most == engine.MaxWait.Seconds() && least == 1: // nobody waits here
		return oneOf(r, 0, 601, -1)
	case r.often(15):
		return oneOf[any](r, least-1, most+1, 1.5, -1, int64(1)<<53, json.Number("1e400"), json.Number("99999999999999999999"))
	}
	return int(least) + r.IntN(int(most-least)+1)
}

// junk is a value that hardly anything takes.
func (r *requester) junk() any {
	return oneOf[any](r, nil, true, 0, -1, 1.5, "", "x", "\u0000", []any{}, []any{nil}, map[string]any{}, map[string]any{"a": []any{1, "b"}},
		strings.Repeat("long ", 2000), json.Number("1e999"))
}
