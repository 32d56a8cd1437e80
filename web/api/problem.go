package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"labhook/engine"
	"labhook/web/keyrate"
)

// maxFieldProblems is how many fields a problem names at most, so that it stays readable and short.
const maxFieldProblems = 50

// retryAfter is how many seconds a client should wait before it asks again, while the server restarts or the blocking
// deliveries of an event go on.
const retryAfter = "5"

// Problem is what an answer that is no success says (RFC 9457).
type Problem struct {
	Type      string         `json:"type" doc:"Kind of problem, the same for the same cause" example:"urn:labhook:problem:invalid"`
	Title     string         `json:"title" doc:"Kind of problem in words" example:"The request is not valid"`
	Status    int            `json:"status" doc:"HTTP status" example:"422"`
	Detail    string         `json:"detail" doc:"What is wrong with this request, and what to do"`
	Errors    []FieldProblem `json:"errors,omitempty" nullable:"false" doc:"The fields that are wrong"`
	RequestID string         `json:"request_id,omitempty" doc:"What to look for in the server's log"`

	header http.Header
}

// FieldProblem says what is wrong with one field.
type FieldProblem struct {
	Field   string `json:"field" doc:"Its name, with a path where it is nested" example:"headers[2].name"`
	Message string `json:"message" doc:"What is wrong and how to mend it"`
}

// problemKinds gives each status that the API answers its name and title.
var problemKinds = map[int]struct{ name, title string }{
	http.StatusBadRequest:            {"malformed", "The request cannot be read"},
	http.StatusUnauthorized:          {"unauthorized", "A valid API key is needed"},
	http.StatusForbidden:             {"forbidden", "The API key may not do this"},
	http.StatusNotFound:              {"not-found", "There is no such thing"},
	http.StatusMethodNotAllowed:      {"method-not-allowed", "The path does not know this method"},
	http.StatusConflict:              {"conflict", "The request does not fit the state of things"},
	http.StatusPreconditionFailed:    {"changed", "It was changed meanwhile"},
	http.StatusRequestEntityTooLarge: {"too-large", "The body is too large"},
	http.StatusUnsupportedMediaType:  {"media-type", "The body is not of a type that is read here"},
	http.StatusUnprocessableEntity:   {"invalid", "The request is not valid"},
	http.StatusTooManyRequests:       {"busy", "Too many requests"},
	http.StatusInternalServerError:   {"internal", "Something went wrong in the server"},
	http.StatusServiceUnavailable:    {"stopping", "The server is stopping"},
}

func newProblem(status int, detail string, fields ...FieldProblem) *Problem {
	kind := problemKinds[status]
	return &Problem{
		Type: "urn:labhook:problem:" + kind.name, Title: kind.title, Status: status, Detail: detail, Errors: fields,
		header: http.Header{},
	}
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus tells huma the status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders tells huma the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType tells huma the media type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// invalid is the error that one field is wrong.
func invalid(field, format string, args ...any) engine.InvalidError {
	return engine.InvalidError{{Field: field, Message: fmt.Sprintf(format, args...)}}
}

// problemOf says an error in the words of the API. What the client did not cause is logged and not shown.
func (s *server) problemOf(ctx context.Context, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if fields, ok := errors.AsType[engine.InvalidError](err); ok {
		return invalidProblem(fields)
	}
	if many, ok := errors.AsType[*keyrate.TooMany](err); ok {
		p := newProblem(http.StatusTooManyRequests, many.Error())
		p.header.Set("Retry-After", many.RetryAfter())
		return p
	}
	if c, ok := errors.AsType[engine.Conflict](err); ok {
		return newProblem(http.StatusConflict, c.Error())
	}
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return newProblem(http.StatusNotFound, "It does not exist, or the key sent may not see it")
	case errors.Is(err, engine.ErrConflict):
		return newProblem(http.StatusConflict, "It was changed meanwhile, or its state does not allow this")
	case errors.Is(err, engine.ErrStopping):
		return stopping("Nothing was accepted; send the request again after the restart")
	}
	if errors.Is(err, engine.ErrUnwritable) {
		return stopping("The database cannot be written at the moment, and nothing was accepted; send the request again")
	}
	id := callOf(ctx).requestID
	if ctx.Err() == nil {
		s.Log.Error("api request failed", "request_id", id, "error", err)
	}
	return internalProblem(id)
}

// stopping is the problem of a request that came too late, or waited too long, for this run of the server.
func stopping(detail string) *Problem {
	p := newProblem(http.StatusServiceUnavailable, detail)
	p.header.Set("Retry-After", retryAfter)
	return p
}

func invalidProblem(fields engine.InvalidError) *Problem {
	shown := fields[:min(len(fields), maxFieldProblems)]
	list := make([]FieldProblem, len(shown))
	for i, f := range shown {
		list[i] = FieldProblem{Field: f.Field, Message: f.Message}
	}
	detail := fields[0].Message
	if len(fields) > 1 {
		detail = fmt.Sprintf("%d things are wrong; the first: %s", len(fields), detail)
	}
	return newProblem(http.StatusUnprocessableEntity, detail, list...)
}

func internalProblem(requestID string) *Problem {
	p := newProblem(http.StatusInternalServerError, "The request was not carried out; the server's log says why under the request id")
	p.RequestID = requestID
	return p
}

// conflict returns a 409 with the detail when err is a conflict, else err.
func conflict(err error, format string, args ...any) error {
	if errors.Is(err, engine.ErrConflict) {
		return newProblem(http.StatusConflict, fmt.Sprintf(format, args...))
	}
	return err
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	for name := range p.header {
		w.Header().Set(name, p.header.Get(name))
	}
	writeJSON(w, p.Status, p.ContentType(""), p)
}

// writeJSON writes a value that is known to be writable. The client may be gone, which is nobody's error.
func writeJSON(w http.ResponseWriter, status int, contentType string, value any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value)
}

// init gives huma, which keeps these for the whole program, the API's form of a problem and its words. This package
// is huma's only user.
func init() {
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		return parameterProblem(status, detail, errs)
	}
	validation.MsgExpectedOneOf = "must be one of %s"
	validation.MsgExpectedMinimumNumber = "must be at least %v"
	validation.MsgExpectedMaximumNumber = "must be at most %v"
	validation.MsgExpectedMaxLength = "may have at most %d characters"
}

// parameterProblem is what huma says about parameters. Bodies are not read by huma.
func parameterProblem(status int, detail string, errs []error) *Problem {
	var fields engine.InvalidError
	for _, err := range errs {
		d, ok := errors.AsType[*huma.ErrorDetail](err)
		if !ok {
			continue
		}
		_, name, _ := strings.Cut(d.Location, ".")
		fields = append(fields, engine.Invalid{Field: name, Message: name + " " + parameterMessage(d.Message)})
	}
	if len(fields) > 0 {
		return invalidProblem(fields)
	}
	return newProblem(status, detail)
}

func parameterMessage(message string) string {
	switch {
	case message == "invalid integer":
		return "must be a whole number"
	case message == "invalid boolean":
		return "must be true or false"
	case message == "unknown query parameter":
		return "is no parameter of this path"
	case strings.HasPrefix(message, "invalid date/time"):
		return "must be " + timeWords
	}
	return message
}
