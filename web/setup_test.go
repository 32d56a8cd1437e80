package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"labhook/db"
	"labhook/engine"
)

// What the server was started with is shown, and cannot be changed with a form that says otherwise.
func TestSetupKeepsAGivenBaseURL(t *testing.T) {
	t.Parallel()
	b := setupWith(t, db.Options{Given: map[string]engine.GivenSetting{"public_url": {Value: "https://hooks.example.com", Source: engine.FromFlag}}})
	link, _, err := SetupURL(t.Context(), b.store, "")
	if err != nil {
		t.Fatal(err)
	}
	field := b.get(link).doc.Find("#public_url[readonly]")
	if got := field.AttrOr("value", ""); got != "https://hooks.example.com" || !strings.HasPrefix(field.Parent().Find("#public_url-hint").Text(), "Set by ") {
		t.Errorf("the base URL is shown as %q: %s", got, line(field.Parent()))
	}
	token, _ := url.Parse(link)
	a := b.post("/setup", url.Values{
		"token": {token.Query().Get("token")}, "name": {"Dana"}, "login": {"dana"}, "password": {testPassword}, "public_url": {"x"},
	})
	if a.status != http.StatusSeeOther {
		t.Fatalf("status %d: %s", a.status, a.text("#error-summary"))
	}
	stored, err := b.store.StoredSettings(t.Context())
	if err != nil || len(stored.Values) != 0 {
		t.Errorf("stored %v, %v", stored.Values, err)
	}
}
