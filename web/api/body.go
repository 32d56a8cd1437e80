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

// readBody reads a body of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have at most %d bytes", limit))
	} else if err != nil {
		return nil, newProblem(http.StatusBadRequest, "The body broke off")
	}
	if sent := r.Header.Get("Content-Type"); len(body) > 0 && sent != "" {
		mediaType, _, err := mime.ParseMediaType(sent)
		if err != nil || mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") {
			return nil, newProblem(http.StatusUnsupportedMediaType, "Send JSON, with the header Content-Type: application/json")
		}
	}
	return body, nil
}

// decode reads a JSON object into the struct that into points to, strictly: a field that the struct does not have,
// or that is named twice, is refused, and every field of a wrong type is named. Fields that are absent or null keep
// the value they have in the struct. Only shapes are judged here, what a value may be is the engine's to say.
func decode(body []byte, into any) error {
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
	var d decoder
	if err := d.object("", body, reflect.ValueOf(into).Elem()); err != nil {
		return fmt.Errorf("read JSON that was found valid: %w", err)
	}
	if len(d.bad) > 0 {
		return d.bad
	}
	return nil
}

// decoder collects what is wrong with a body.
type decoder struct{ bad engine.InvalidError }

func (d *decoder) refuse(field, format string, args ...any) {
	d.bad = append(d.bad, engine.Invalid{Field: field, Message: fmt.Sprintf(format, args...)})
}

// object reads the fields of an object; path is what stands before their names in messages.
func (d *decoder) object(path string, raw []byte, into reflect.Value) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil { // the opening brace
		return err
	}
	var seen []string
	for dec.More() && len(d.bad) < maxFieldProblems {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		name, _ := token.(string)
		field, known := fieldNamed(into, name)
		switch {
		case !known:
			d.refuse(path+name, "There is no field %q here; the fields are %s", name, strings.Join(fieldNames(into.Type()), ", "))
		case slices.Contains(seen, name):
			d.refuse(path+name, "%s is given twice", path+name)
		default:
			seen = append(seen, name)
			if err := d.value(path+name, value, field); err != nil {
				return err
			}
		}
	}
	return nil
}

// value reads one value; null leaves it as it is.
func (d *decoder) value(path string, raw json.RawMessage, into reflect.Value) error {
	if string(raw) == "null" {
		return nil
	}
	if kind := into.Type(); kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct {
		return d.objects(path, raw, into)
	}
	if json.Unmarshal(raw, into.Addr().Interface()) != nil {
		d.refuse(path, "%s must be %s", path, typeWords(into.Type()))
	}
	return nil
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
		if item[0] != '{' {
			d.refuse(place, "%s must be an object", place)
			continue
		}
		if err := d.object(place+".", item, into.Index(i)); err != nil {
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
	if t == reflect.TypeFor[time.Time]() {
		return timeWords
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "a list of texts"
	}
	return "a text"
}
