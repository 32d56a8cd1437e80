package engine_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"labhook/engine"
)

const hidden = "correct horse"

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	secret := engine.Secret(hidden)
	type holder struct {
		Secret  engine.Secret
		Pointer *engine.Secret
		List    []engine.Secret
		Map     map[string]engine.Secret
		Header  engine.Header
	}
	values := map[string]any{
		"itself":  secret,
		"pointer": &secret,
		"holder": holder{
			secret, &secret,
			[]engine.Secret{secret},
			map[string]engine.Secret{"key": secret},
			engine.Header{Name: "X-Key", Value: secret},
		},
		"webhook": engine.Webhook{Headers: []engine.Header{{Name: "X-Key", Value: secret, Sensitive: true}}},
		"error":   fmt.Errorf("open %v: %w", secret, engine.ErrNotFound),
	}
	for name, v := range values {
		// Not %p: it asks for an address, and fmt asks the value nothing.
		for _, verb := range strings.Split("v,+v,#v,s,q,x,X,d,o,b,c,t,e,f,g,U,20s,-20v,.3s, x,#x,#q,08d", ",") {
			check(t, name+" with %"+verb, fmt.Sprintf("%"+verb, v))
		}
		check(t, name+" with Sprint", fmt.Sprint(v))
		if text, err := json.Marshal(v); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			check(t, name+" as JSON", string(text))
		}
		for format, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).With("with", v).Info("tried", "value", v, slog.Group("group", "value", v))
			check(t, name+" in a log of "+format, b.String())
		}
	}
	text, err := xml.Marshal(secret)
	if err != nil {
		t.Error(err)
	}
	check(t, "as XML", string(text))
}

// check looks for the secret in any of the forms in which fmt might write it.
func check(t *testing.T, where, text string) {
	t.Helper()
	for _, form := range []string{hidden, "correct", "horse", fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden), fmt.Sprintf("% x", hidden), "99 111", "143 157"} {
		if strings.Contains(text, form) {
			t.Errorf("%s: %s", where, text)
			return
		}
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	secret := engine.Secret(hidden)
	for got, want := range map[string]string{
		secret.String(): engine.Mask, fmt.Sprint(secret): engine.Mask, secret.Reveal(): hidden, engine.Secret("").String(): "", fmt.Sprintf("%d", engine.Secret("")): "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var read struct{ Secret engine.Secret }
	if err := json.Unmarshal([]byte(`{"Secret":"`+hidden+`"}`), &read); err != nil || read.Secret.Reveal() != hidden {
		t.Errorf("read from JSON: %q, %v", read.Secret.Reveal(), err)
	}
}
