package skilljar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"unicode/utf8"

	"labhook/engine"
)

// maxBody is how many bytes a body may have: a form may write a byte of an address or a header as three.
const maxBody = 64 << 10

// value is the value of one field, as JSON or as the text of a form.
type value struct {
	raw  json.RawMessage // nil in a form
	text string          // in a form
}

// inForm reports whether the value came in a form.
func (v value) inForm() bool { return v.raw == nil }

// values are the fields of a body by their names, known ones or not.
type values map[string]value

// errTwice is what is said about a field that is given twice.
const errTwice = "This field is given twice; give it once."

// readValues reads the body of a request: a JSON object, or a form of either encoding. What comes without a
// content type is read as JSON.
func readValues(w http.ResponseWriter, r *http.Request) (values, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have at most %d bytes.", maxBody))
	} else if err != nil {
		return nil, refuse(http.StatusBadRequest, "The body broke off.")
	}
	return parseBody(body, r.Header.Get("Content-Type"))
}

// parseBody reads a body of a content type.
func parseBody(body []byte, contentType string) (values, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return values{}, nil
	}
	mediaType, params, err := "application/json", map[string]string(nil), error(nil)
	if contentType != "" {
		mediaType, params, err = mime.ParseMediaType(contentType)
	}
	switch {
	case err != nil:
	case mediaType == "application/json":
		return parseJSON(body)
	case mediaType == "application/x-www-form-urlencoded":
		return parseForm(body)
	case mediaType == "multipart/form-data":
		return parseMultipart(body, params["boundary"])
	}
	return nil, refuse(http.StatusUnsupportedMediaType,
		fmt.Sprintf("Unsupported media type %q in request. Send application/json, application/x-www-form-urlencoded or multipart/form-data.", contentType))
}

// parseJSON reads a JSON object.
func parseJSON(body []byte) (values, error) {
	switch {
	case !utf8.Valid(body):
		return nil, refuse(http.StatusBadRequest, "JSON parse error - the body is not UTF-8 text.")
	case !json.Valid(body):
		return nil, refuse(http.StatusBadRequest, "JSON parse error - "+engine.JSONProblem(string(body))+".")
	case bytes.TrimSpace(body)[0] != '{':
		return nil, invalid(noField, "Invalid data. Send a JSON object.")
	}
	fields := values{}
	twice := eachMember(body, func(name string, raw json.RawMessage) { fields[name] = value{raw: raw} })
	if twice != "" {
		return nil, invalid(twice, errTwice)
	}
	return fields, nil
}

// eachMember calls f with the members of a valid JSON object in their order, and returns the name of the first one that
// is there twice, "" for none.
func eachMember(object []byte, f func(name string, raw json.RawMessage)) (twice string) {
	dec := json.NewDecoder(bytes.NewReader(object))
	seen := map[string]bool{}
	_, _ = dec.Token() // the opening brace
	for dec.More() {
		token, _ := dec.Token() // valid JSON has a name here
		name, _ := token.(string)
		var raw json.RawMessage
		if dec.Decode(&raw) != nil {
			return name
		}
		if seen[name] {
			return name
		}
		seen[name] = true
		f(name, raw)
	}
	return ""
}

// parseForm reads an urlencoded form.
func parseForm(body []byte) (values, error) {
	if bytes.TrimSpace(body)[0] == '{' {
		return nil, refuse(http.StatusBadRequest, "The body looks like JSON, but is sent as a form; send it with the header Content-Type: application/json.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The form cannot be read: "+err.Error()+".")
	}
	return formValues(form)
}

// parseMultipart reads a multipart form.
func parseMultipart(body []byte, boundary string) (values, error) {
	form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(2 * maxBody) // all of it stays in memory
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "Multipart form parse error - "+err.Error()+".")
	}
	for name := range form.File {
		return nil, invalid(name, "This is a file; send the value itself.")
	}
	return formValues(form.Value)
}

func formValues(form map[string][]string) (values, error) {
	fields := values{}
	for name, texts := range form {
		if len(texts) > 1 {
			return nil, invalid(name, errTwice)
		}
		if !utf8.ValidString(name) || !utf8.ValidString(texts[0]) {
			return nil, refuse(http.StatusBadRequest, "The form is not UTF-8 text.")
		}
		fields[name] = value{text: texts[0]}
	}
	return fields, nil
}

// invalid returns the answer that one field is wrong.
func invalid(field, message string) *refusal {
	return &refusal{http.StatusBadRequest, fieldErrors{field: {message}}, http.Header{}}
}
