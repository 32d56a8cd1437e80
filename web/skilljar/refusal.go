package skilljar

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"labhook/engine"
)

// retryAfter is how many seconds a client should wait before it asks again.
const retryAfter = "5"

// fieldErrors is what is wrong with the fields of a body.
type fieldErrors map[string][]string

// noField is where messages stand that are about no field of this shape.
const noField = "non_field_errors"

func (e fieldErrors) add(field, message string) { e[field] = append(e[field], message) }

// refusal is an answer that is no success.
type refusal struct {
	status int
	body   any // fieldErrors, or an object with the detail
	header http.Header
}

// refuse returns an answer that is about the request as a whole.
func refuse(status int, detail string) *refusal {
	return &refusal{status, map[string]string{"detail": detail}, http.Header{}}
}

// Error names the status.
func (r *refusal) Error() string { return http.StatusText(r.status) }

// fail answers an error in the shapes of the platform.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	out := refusalOf(err)
	if out == nil {
		id := w.Header().Get("X-Request-Id")
		s.logFailure(r.Context(), id, err)
		out = refuse(http.StatusInternalServerError, "The request was not carried out; the server's log says why under the request id "+id+".")
	}
	for name := range out.header {
		w.Header().Set(name, out.header.Get(name))
	}
	writeJSON(w, out.status, out.body)
}

// refusalOf says an error in the words of the platform; nil: the client did not cause it.
func refusalOf(err error) *refusal {
	if out, ok := errors.AsType[*refusal](err); ok {
		return out
	}
	if fields, ok := errors.AsType[engine.InvalidError](err); ok {
		bad := fieldErrors{}
		for _, f := range fields {
			bad.addEngine(f)
		}
		return &refusal{http.StatusBadRequest, bad, http.Header{}}
	}
	if busy, ok := errors.AsType[engine.BusyError](err); ok {
		return later(http.StatusTooManyRequests, "Request was throttled: "+busy.Error()+".")
	}
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return refuse(http.StatusNotFound, "Not found. It does not exist, or the key sent may not see it here.")
	case errors.Is(err, engine.ErrStopping):
		return later(http.StatusServiceUnavailable, "The server is stopping; send the request again after the restart.")
	case errors.Is(err, engine.ErrUnwritable):
		return later(http.StatusServiceUnavailable, "The database cannot be written at the moment, and nothing was changed; send the request again.")
	}
	return nil
}

func later(status int, detail string) *refusal {
	out := refuse(status, detail)
	out.header.Set("Retry-After", retryAfter)
	return out
}

// addEngine adds what the engine says about a field, under the platform's name for it.
func (e fieldErrors) addEngine(f engine.Invalid) {
	field, message := noField, f.Field+": "+f.Message+"."
	switch f.Field {
	case "url":
		field = "target_url"
	case "events":
		field = "event_type"
	case "headers":
		field = "additional_headers"
	case "basic_auth":
		field = "basic_auth_username"
		if strings.HasPrefix(f.Message, "The password") || strings.HasPrefix(f.Message, "Enter the password") {
			field = "basic_auth_password"
		}
	}
	if field != noField {
		message = f.Message + "."
	}
	e.add(field, message)
}

// writeJSON writes a value that is known to be writable. The client may be gone, which is nobody's error.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value)
}
