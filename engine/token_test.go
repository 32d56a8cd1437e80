package engine_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"labhook/engine"
)

func TestReplaceTokens(t *testing.T) {
	t.Parallel()
	e := engine.Event{Type: engine.LabScored, Data: engine.SampleLabDetails().With(map[string]any{"UserFirstName": "Zoë \"Z\""}).Body()}
	for text, want := range map[string]string{
		"":        "",
		"no @lab": "no @lab",
		"Hello @lab.User.FirstName @lab.User.LastName.":        `Hello Zoë "Z" User.`,
		"@lab.LabInstance.Id, @lab.LabInstance.GlobalId":       "998592321, lod998592321",
		"@lab.LabInstance.StartDate":                           "20221220",
		"@lab.LabProfile.Id/@lab.User.Id/@lab.User.ExternalId": "19376/5023932/Example.User",
		"[@lab.Tag]": "[]",
		"@lab.User.Email and @lab.Nonsense stay, @lab.User.Ids, too": "@lab.User.Email and @lab.Nonsense stay, @lab.User.Ids, too",
	} {
		if got := engine.ReplaceTokens(text, &e); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	long := engine.Event{Type: engine.LabScored, Data: engine.SampleLabDetails().With(map[string]any{"CustomData": strings.Repeat("é\n", 5000)}).Body()}
	w := engine.Webhook{NotificationText: strings.Repeat("@lab.Tag ", engine.MaxNotificationText/9)}
	if got := w.Notification(&long); utf8.RuneCountInString(got) != engine.MaxNotificationText || strings.Contains(got, "\n") {
		t.Errorf("long values make a notification of %d characters", utf8.RuneCountInString(got))
	}
	other := engine.Event{Type: engine.SystemDeliveryFailed, Data: []byte(`{"Id":7}`)}
	if got := engine.ReplaceTokens("@lab.LabInstance.Id", &other); got != "@lab.LabInstance.Id" {
		t.Errorf("an event without lab details gave %q", got)
	}
}
