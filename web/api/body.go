package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"labhook/engine"
)

// timeWords describes how a time is written.
const timeWords = "a time such as 2026-10-22T14:02:11Z (RFC 3339)"

// readBody reads a body as it is described.
func readBody(w http.ResponseWriter, r *http.Request, b *body) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, b.limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have at most %d bytes", b.limit))
	} else if err != nil {
		return nil, newProblem(http.StatusBadRequest, "The body broke off")
	}
	if sent := r.Header.Get("Content-Type"); len(body) > 0 && sent != "" {
		mediaType, _, err := mime.ParseMediaType(sent)
		if err != nil || mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") && !(b.lines && mediaType == ndjson) {
			return nil, newProblem(http.StatusUnsupportedMediaType, "Send JSON, with the header Content-Type: application/json")
		}
	}
	return body, nil
}

// decode reads a JSON object into the struct that into points to, strictly: a field that the struct does not have,
// or that is named twice, is refused, and every field of a wrong type is named. Fields that are absent or null keep
// the value they have in the struct. Only shapes are judged here, what a value may be is the engine's to say.
func decode(body []byte, into any) error {
	_, err := decodeGiven(body, into)
	return err
}

// decodeGiven is decode, and returns the names of the fields that the body gives a value.
func decodeGiven(body []byte, into any) (given []string, err error) {
	if err := checkObject(body); err != nil {
		return nil, err
	}
	var d decoder
	if given, err = d.object("", body, reflect.ValueOf(into).Elem()); err != nil {
		return nil, fmt.Errorf("read JSON that was found valid: %w", err)
	}
	if len(d.bad) > 0 {
		return nil, d.bad
	}
	return given, nil
}

// checkObject returns a problem unless a body is a JSON object.
func checkObject(body []byte) error {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return newProblem(http.StatusBadRequest, "The body is empty; send a JSON object")
	case !utf8.Valid(body):
		return newProblem(http.StatusBadRequest, "The body is not UTF-8 text")
	case !json.Valid(body):
		return newProblem(http.StatusBadRequest, "The body is not JSON: "+engine.JSONProblem(string(body)))
	case bytes.TrimSpace(body)[0] != '{':
		return newProblem(http.StatusBadRequest, "The body must be a JSON object")
	}
	return nil
}

// decoder collects what is wrong with a body.
type decoder struct{ bad engine.InvalidError }

func (d *decoder) refuse(field, format string, args ...any) {
	d.bad = append(d.bad, engine.Invalid{Field: field, Message: fmt.Sprintf(format, args...)})
}

// object reads the fields of an object, and returns the names of those that have a value; path is what stands before
// their names in messages.
func (d *decoder) object(path string, raw []byte, into reflect.Value) (given []string, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil { // the opening brace
		return nil, err
	}
	var seen []string
	for dec.More() && len(d.bad) < maxFieldProblems {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		name, _ := token.(string)
		field, known := fieldNamed(into, name)
		switch {
		case !known:
			d.refuse(path+name, "There is no field %q here; the fields are %s", name, strings.Join(fieldNames(into.Type()), ", "))
			continue
		case slices.Contains(seen, name):
			d.refuse(path+name, "%s is given twice", path+name)
			continue
		}
		seen = append(seen, name)
		if string(value) == "null" {
			continue // as if it were absent
		}
		given = append(given, name)
		if err := d.value(path+name, value, field); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// value reads one value.
func (d *decoder) value(path string, raw json.RawMessage, into reflect.Value) error {
	kind := into.Type()
	switch {
	case isObject(kind):
		return d.nested(path, raw, into)
	case kind.Kind() == reflect.Slice && isObject(kind.Elem()):
		return d.objects(path, raw, into)
	}
	err := json.Unmarshal(raw, into.Addr().Interface())
	if inner, ok := errors.AsType[engine.InvalidError](err); ok {
		for _, f := range inner {
			d.refuse(path+"."+f.Field, "%s", f.Message)
		}
	} else if err != nil {
		d.refuse(path, "%s must be %s", path, typeWords(kind))
	}
	return nil
}

// isObject reports whether values of the type are JSON objects, read field by field.
func isObject(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// nested reads an object within another one. A pointer gets a new one.
func (d *decoder) nested(path string, raw json.RawMessage, into reflect.Value) error {
	if raw[0] != '{' {
		d.refuse(path, "%s must be an object", path)
		return nil
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	_, err := d.object(path+".", raw, into)
	return err
}

// objects reads a list of objects.
func (d *decoder) objects(path string, raw json.RawMessage, into reflect.Value) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		d.refuse(path, "%s must be a list of objects", path)
		return nil
	}
	into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
	for i, item := range list {
		place := fmt.Sprintf("%s[%d]", path, i)
		if len(d.bad) >= maxFieldProblems {
			return nil
		}
		if err := d.nested(place, item, into.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// fieldNamed returns the field of a struct with that name in JSON, to the letter.
func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if jsonName(v.Type().Field(i)) == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func fieldNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = jsonName(t.Field(i))
	}
	return names
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// typeWords says what a value of the type looks like in JSON.
func typeWords(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return timeWords
	case reflect.TypeFor[RetryPolicy]():
		return "the name of a retry policy, or an object with the rules of one"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Int {
			return "a list of whole numbers"
		}
		return "a list of texts"
	}
	return "a text"
}
