package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// judge compares answers with the OpenAPI document. It is safe for concurrent use, and the tests share one.
type judge struct {
	operations *http.ServeMux // its patterns are the document's operations
	paths      map[string]any
	compiler   *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema // by place in the document
}

// documentURL names the document for the compiler. Nothing is fetched from there.
const documentURL = "https://labhook.invalid/openapi.json"

var theJudge struct {
	once sync.Once
	*judge
	err error
}

// judged wraps a handler of the API: every answer that the document does not describe fails the test.
func judged(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	theJudge.once.Do(func() { theJudge.judge, theJudge.err = newJudge(h) })
	if theJudge.err != nil {
		t.Fatal(theJudge.err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &copied{ResponseWriter: w}
		h.ServeHTTP(out, r)
		if err := theJudge.check(r, out); err != nil {
			t.Errorf("%s %s answers %d, which the document does not describe: %v\n%s", r.Method, r.URL, out.status, err, out.body.Bytes())
		}
	})
}

func newJudge(h http.Handler) (*judge, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/openapi.json", nil))
	doc, err := jsonschema.UnmarshalJSON(w.Body)
	if err != nil {
		return nil, err
	}
	j := &judge{operations: http.NewServeMux(), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	j.compiler.AssertFormat()
	if err := j.compiler.AddResource(documentURL, doc); err != nil {
		return nil, err
	}
	j.paths = doc.(map[string]any)["paths"].(map[string]any)
	for path, methods := range j.paths {
		for method := range methods.(map[string]any) {
			j.operations.Handle(strings.ToUpper(method)+" "+path, http.NotFoundHandler())
		}
	}
	return j, nil
}

// check judges an answer.
func (j *judge) check(r *http.Request, out *copied) error {
	mediaType, _, _ := mime.ParseMediaType(out.Header().Get("Content-Type"))
	_, pattern := j.operations.Handler(r)
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		if out.status >= 400 {
			return j.validate("/components/schemas/Problem", out.body.Bytes())
		}
		return nil // the document itself
	}
	place := "/paths/" + escaped(path) + "/" + strings.ToLower(method) + "/responses/" + strconv.Itoa(out.status)
	responses := j.paths[path].(map[string]any)[strings.ToLower(method)].(map[string]any)["responses"].(map[string]any)
	response, ok := responses[strconv.Itoa(out.status)].(map[string]any)
	switch {
	case !ok:
		return errors.New("no such status")
	case response["content"] == nil && out.body.Len() > 0:
		return errors.New("it has a body")
	case response["content"] == nil || r.Method == http.MethodHead:
		return nil
	}
	if _, ok := response["content"].(map[string]any)[mediaType]; !ok {
		return fmt.Errorf("no such media type: %s", mediaType)
	}
	return j.validate(place+"/content/"+escaped(mediaType)+"/schema", out.body.Bytes())
}

// escaped writes a name as a part of a JSON pointer.
func escaped(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// validate judges a body by the schema at a place in the document.
func (j *judge) validate(place string, body []byte) error {
	schema, err := j.schema(place)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func (j *judge) schema(place string) (*jsonschema.Schema, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if schema := j.schemas[place]; schema != nil {
		return schema, nil
	}
	// In the fragment of an address braces are escaped.
	schema, err := j.compiler.Compile(documentURL + "#" + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(place))
	if err == nil {
		j.schemas[place] = schema
	}
	return schema, err
}

// copied is a response writer that keeps a copy of the answer.
type copied struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (c *copied) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *copied) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// TestJudge checks that the judge sees what is wrong.
func TestJudge(t *testing.T) {
	t.Parallel()
	j, err := newJudge(setup(t).handler)
	if err != nil {
		t.Fatal(err)
	}
	const version = `{"version": "1", "schema": 1}`
	for _, tt := range []struct {
		path, contentType, body string
		status                  int
		fine                    bool
	}{
		{"/api/v1/version", "application/json", version, 200, true},
		{"/api/v1/version", "application/json", `{"version": "1"}`, 200, false},
		{"/api/v1/version", "application/json", `{"version": "1", "schema": 1, "colour": "red"}`, 200, false},
		{"/api/v1/version", "text/plain", version, 200, false},
		{"/api/v1/version", "application/json", version, 201, false},
		{"/api/v1/version", "application/problem+json", `{}`, 401, false},
		{"/api/v1/nothing", "application/problem+json", `{}`, 404, false},
	} {
		out := &copied{ResponseWriter: httptest.NewRecorder()}
		out.Header().Set("Content-Type", tt.contentType)
		out.WriteHeader(tt.status)
		_, _ = out.Write([]byte(tt.body))
		if err := j.check(httptest.NewRequest("GET", tt.path, nil), out); (err == nil) != tt.fine {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}
