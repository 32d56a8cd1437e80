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
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"labhook/engine"
)

// timeWords describes how a time is written.
const timeWords = "a time such as 2026-10-22T14:02:11Z (RFC 3339)"

// readBody reads a body as it is described.
func readBody(w http.ResponseWriter, r *http.Request, b *body) ([]byte, error) {
	var (
		body []byte
		err  error
	)
	if 0 <= r.ContentLength && r.ContentLength <= b.limit {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, body)
	} else {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, b.limit))
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have at most %d bytes", b.limit))
	} else if err != nil {
		return nil, newProblem(http.StatusBadRequest, "The body broke off")
	}
	if sent := r.Header.Get("Content-Type"); len(body) > 0 && sent != "" && sent != "application/json" {
		mediaType, _, err := mime.ParseMediaType(sent)
		if err != nil || mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") && !(b.lines && mediaType == ndjson) {
			detail := "Send JSON, with the header Content-Type: application/json"
			if b.lines {
				detail += ", or one event a line, with " + ndjson
			}
			return nil, newProblem(http.StatusUnsupportedMediaType, detail)
		}
	}
	return body, nil
}

// decode reads a JSON object into the struct that into points to, strictly: a field that the struct does not have,
// or that is named twice, is refused, and every field of a wrong type is named. Fields that are absent or null keep
// the value they have in the struct. Only shapes are judged here, what a value may be is the engine's to say.
func decode(body []byte, into any) error {
	_, err := decodeFields(body, reflect.ValueOf(into).Elem())
	return err
}

// decodeGiven is decode, and returns the names of the fields that the body gives a value.
func decodeGiven(body []byte, into any) ([]string, error) {
	to := reflect.ValueOf(into).Elem()
	given, err := decodeFields(body, to)
	if err != nil {
		return nil, err
	}
	var names []string
	for i, name := range shapeOf(to.Type()).names {
		if given.has(i) {
			names = append(names, name)
		}
	}
	return names, nil
}

func decodeFields(body []byte, into reflect.Value) (fieldSet, error) {
	if !utf8.Valid(body) {
		return 0, newProblem(http.StatusBadRequest, "The body is not UTF-8 text")
	}
	var d decoder
	given, err := d.object("", body, into)
	if err != nil {
		return 0, noObject(body, err)
	}
	if len(d.bad) > 0 {
		return 0, d.bad
	}
	return given, nil
}

// noObject says why a body is no JSON object; err is what its reader says.
func noObject(body []byte, err error) *Problem {
	detail := ""
	if len(bytes.TrimSpace(body)) == 0 {
		detail = "The body is empty; send a JSON object"
	} else if problem := engine.JSONProblem(string(body)); problem != "" {
		detail = "The body is not JSON: " + problem
	} else if bytes.TrimSpace(body)[0] != '{' {
		detail = "The body must be a JSON object"
	} else {
		detail = "The body is not JSON: " + err.Error()
	}
	return newProblem(http.StatusBadRequest, detail)
}

// decoder collects what is wrong with a body.
type decoder struct{ bad engine.InvalidError }

func (d *decoder) refuse(field, format string, args ...any) {
	if len(d.bad) < maxFieldProblems {
		d.bad = append(d.bad, engine.Invalid{Field: field, Message: fmt.Sprintf(format, args...)})
	}
}

// fieldSet is a set of fields of a struct, by their places.
type fieldSet uint64

func (s fieldSet) has(i int) bool { return s&(1<<i) != 0 }

func (s *fieldSet) add(i int) { *s |= 1 << i }

// object reads the fields of an object, and returns those that have a value; path is what stands before their names in
// messages. The error is about the syntax.
func (d *decoder) object(path string, raw []byte, into reflect.Value) (given fieldSet, err error) {
	shape := shapeOf(into.Type())
	var seen fieldSet
	err = engine.JSONFields(raw, func(name []byte, value json.RawMessage) error {
		i, known := shape.index[string(name)]
		switch {
		case !known:
			d.refuse(path+string(name), "There is no field %q here; the fields are %s", name, strings.Join(shape.names, ", "))
			return nil
		case seen.has(i):
			d.refuse(path+shape.names[i], "%s is given twice", path+shape.names[i])
			return nil
		}
		seen.add(i)
		if string(value) == "null" {
			return nil // as if it were absent
		}
		given.add(i)
		return d.value(path, shape.names[i], value, into.Field(i))
	})
	return given, err
}

// value reads one value, of the field with that name in the object at path.
func (d *decoder) value(path, name string, raw json.RawMessage, into reflect.Value) error {
	switch into := into.Addr().Interface().(type) {
	case *string:
		if raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
			*into = string(raw[1 : len(raw)-1])
			return nil
		}
	case *json.RawMessage:
		*into = bytes.Clone(raw)
		return nil
	}
	path += name
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

// shape is what a struct looks like in JSON.
type shape struct {
	names []string       // of the fields in their order
	index map[string]int // by name, to the letter
}

// shapes keeps what shapeOf has found out, by reflect.Type.
var shapes sync.Map

// shapeOf returns the shape of a struct, which has at most 64 fields.
func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{names: make([]string, t.NumField()), index: make(map[string]int, t.NumField())}
	for i := range s.names {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		s.names[i], s.index[name] = name, i
	}
	shapes.Store(t, s)
	return s
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
