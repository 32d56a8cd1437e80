package api

import (
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestAcceptedAsJSON checks that the answer that is written by hand is the one that encoding/json would write, whatever
// is in its fields.
func TestAcceptedAsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var out AcceptedEvent
		fill(t, reflect.ValueOf(&out).Elem())
		got, want := httptest.NewRecorder(), httptest.NewRecorder()
		writeAccepted(got, &out)
		writeJSON(want, 202, "application/json", out)
		if diff := cmp.Diff(want.Body.String(), got.Body.String()); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want.Header(), got.Header()); diff != "" || got.Code != want.Code {
			t.Errorf("status %d, want %d; header (-want +got):\n%s", got.Code, want.Code, diff)
		}
	})
}

// fill draws a value for every field.
func fill(t *rapid.T, v reflect.Value) {
	if _, ok := v.Interface().(time.Time); ok {
		const year = 365 * 24 * time.Hour
		at := time.Date(rapid.IntRange(-1, 10000).Draw(t, "year"), 1, 1, 0, 0, 0, 0, time.UTC)
		at = at.Add(time.Duration(rapid.Int64Range(0, int64(year)).Draw(t, "nanoseconds")))
		v.Set(reflect.ValueOf(at.In(rapid.SampledFrom([]*time.Location{time.UTC, time.FixedZone("", 5400)}).Draw(t, "zone"))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.StringMatching(`[ -~]*`), rapid.String()).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "null") {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice: // never nil
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "length"), 3))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("a %s in the answer", v.Type())
	}
}
