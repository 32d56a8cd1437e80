package api

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// route is one line of the list of routes.
type route struct {
	method  string
	path    string // below Prefix
	need    need
	id      string // stable name of the operation, for generated clients
	summary string
	status  int   // of success
	body    *body // nil: none is read
}

// body is what a route reads.
type body struct {
	shape    reflect.Type
	limit    int64
	optional bool
	lines    bool // it may also be one value a line
}

// takes describes a body of that shape and at most limit bytes.
func takes[T any](limit int64) *body { return &body{shape: reflect.TypeFor[T](), limit: limit} }

// mayTake describes a body that may be left out.
func mayTake[T any](limit int64) *body {
	return &body{shape: reflect.TypeFor[T](), limit: limit, optional: true}
}

// takesMany describes a body with a list of that shape, or one a line.
func takesMany[T any](limit int64) *body {
	return &body{shape: reflect.TypeFor[[]T](), limit: limit, lines: true}
}

// answer is what a handler gives huma to write.
type answer[T any] struct{ Body T }

// created is an answer that tells where the new thing is.
type created[T any] struct {
	Location string `header:"Location"`
	Body     T
}

// none is an answer without a body.
type none struct{}

// newHuma returns huma set up to serve nothing by itself: no documentation page, which would load scripts from
// elsewhere, and no links to schemas in answers.
func newHuma(s *server) huma.API {
	cfg := huma.DefaultConfig("Labhook", s.Version)
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "", "", "", nil
	cfg.OnAddOperation = []huma.AddOpFunc{describeBody}
	cfg.RejectUnknownQueryParameters = true
	cfg.Info.Description = "Webhook server for lab and training platforms. Unknown fields and parameters are refused. " +
		"In a body null counts as absent. Problems are RFC 9457. Lists go on where their header Link says. " +
		"Keys of API consumers have a rate of requests, told in RateLimit-Policy and RateLimit; 429 says in Retry-After when to go on."
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer":  {Type: "http", Scheme: "bearer"},
		"api_key": {Type: "apiKey", In: "header", Name: "api_key"},
	}
	return huma.NewAPI(cfg, adapter{s})
}

// adapter puts huma's routes behind the guard.
type adapter struct{ s *server }

// Handle adds a route of huma.
func (a adapter) Handle(op *huma.Operation, next func(huma.Context)) {
	a.s.mount(op.Metadata["route"].(route), func(w http.ResponseWriter, r *http.Request) {
		next(humago.NewContext(op, r, w))
	})
}

// ServeHTTP is there because huma asks for it.
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.s.ServeHTTP(w, r) }

// mount adds a route to the mux, behind the guard.
func (s *server) mount(r route, h http.HandlerFunc) {
	if r.method == post && r.id != postEventRoute { // which keeps its keys with the events
		h = s.once(h)
	}
	s.add(r.method+" "+Prefix+r.path, s.guard(r.need, r.body, h))
}

// handle adds a route whose parameters huma reads and whose answer huma writes.
func handle[I, O any](s *server, r route, h func(context.Context, *I) (*O, error)) {
	several := repeatable(reflect.TypeFor[I]())
	huma.Register(s.huma, r.operation(), func(ctx context.Context, in *I) (*O, error) {
		if err := checkQuery(callOf(ctx).url.RawQuery, several); err != nil {
			return nil, s.problemOf(ctx, err)
		}
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
}

// repeatable returns the names of the parameters of a query that may come several times; huma knows them by ",explode".
func repeatable(in reflect.Type) []string {
	var names []string
	for _, field := range reflect.VisibleFields(in) {
		if name, ok := strings.CutSuffix(field.Tag.Get("query"), ",explode"); ok {
			names = append(names, name)
		}
	}
	return names
}

// checkQuery refuses what huma would pass over: a query that cannot be read, and a second value of a parameter.
func checkQuery(text string, several []string) error {
	query, err := url.ParseQuery(text)
	if err != nil {
		return newProblem(http.StatusUnprocessableEntity, "The query cannot be read: "+err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(query[name]) > 1 && !slices.Contains(several, name) {
			return invalid(name, "%s is given twice", name)
		}
	}
	return nil
}

// handlePlain adds a route that huma has no part in but its description. answers are the shapes of its successes.
func handlePlain(s *server, r route, h http.HandlerFunc, parameters []*huma.Param, answers map[int]reflect.Type) {
	doc := s.huma.OpenAPI()
	op := r.operation()
	op.Parameters = append(op.Parameters, parameters...)
	op.Responses = map[string]*huma.Response{}
	for status, shape := range answers {
		op.Responses[strconv.Itoa(status)] = jsonResponse(status, "application/json", doc.Components.Schemas.Schema(shape, true, ""))
	}
	problem := doc.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	for _, status := range op.Errors {
		op.Responses[strconv.Itoa(status)] = jsonResponse(status, (*Problem)(nil).ContentType(""), problem)
	}
	doc.AddOperation(&op)
	s.mount(r, h)
}

// operation describes the route.
func (r route) operation() huma.Operation {
	var parameters []*huma.Param
	if r.method == post && r.id != postEventRoute {
		parameters = []*huma.Param{idempotencyParameter("The same key, sent again with the same request, gets the first answer, with Idempotency-Replayed: true. " +
			"Answers are kept for a day; a request that was refused frees its key")}
	}
	resource, _, _ := strings.Cut(strings.TrimPrefix(r.path, "/"), "/")
	return huma.Operation{
		Method: r.method, Path: Prefix + r.path, OperationID: r.id, Summary: r.summary, Tags: []string{resource},
		Parameters: parameters, DefaultStatus: r.status, Errors: r.problems(), Metadata: map[string]any{"route": r},
		Security: []map[string][]string{{"bearer": r.need.roles()}, {"api_key": r.need.roles()}},
	}
}

// problems lists the statuses that the route may answer with beside its success.
func (r route) problems() []int {
	list := []int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError,
	}
	if strings.Contains(r.path, "{") {
		list = append(list, http.StatusNotFound)
	}
	if r.method != get {
		list = append(list, http.StatusConflict, http.StatusServiceUnavailable)
	}
	if r.method == put || r.method == del && r.path == "/webhooks/{wh}" {
		list = append(list, http.StatusPreconditionFailed)
	}
	if r.body != nil {
		list = append(list, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return list
}

// describeBody adds the body to the description of a route. It runs when huma has looked at the handler's input, so
// that huma leaves the body alone.
func describeBody(doc *huma.OpenAPI, op *huma.Operation) {
	b := op.Metadata["route"].(route).body
	if b == nil {
		return
	}
	schema := doc.Components.Schemas.Schema(b.shape, true, "")
	op.RequestBody = &huma.RequestBody{
		Required: !b.optional,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}
	if b.lines {
		op.RequestBody.Content[ndjson] = &huma.MediaType{Schema: schema.Items}
	}
}

// describeHeaders adds the headers that answers of a status have on every route.
func describeHeaders(doc *huma.OpenAPI) {
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Put, path.Post, path.Delete} {
			if op == nil {
				continue
			}
			for status, response := range op.Responses {
				if status == "429" || status == "503" {
					response.Headers = map[string]*huma.Param{"Retry-After": {
						Description: "Seconds after which to ask again", Schema: &huma.Schema{Type: huma.TypeInteger},
					}}
				}
			}
		}
	}
}

func jsonResponse(status int, mediaType string, schema *huma.Schema) *huma.Response {
	return &huma.Response{
		Description: http.StatusText(status),
		Content:     map[string]*huma.MediaType{mediaType: {Schema: schema}},
	}
}
