package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The same way as TestFirstRun with the pages' scripts switched off.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addUser(t)
	b := newTab(t, s, screens[0])
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.signIn()
	b.follow(".steps a")
	b.fill(map[string]string{"name": "Contoso LMS"})
	b.follow("main button[type=submit]")
	if got := b.text(".flash"); got != "API consumer Contoso LMS was created." {
		t.Fatalf("creating an API consumer says %q", got)
	}
	if got := b.text("[data-copy], #live"); got != "" {
		t.Errorf("what needs a script is shown: %q", got)
	}
	b.follow("a[href$='/keys/new']")
	b.fill(map[string]string{"description": "Lab platform"})
	b.follow("main button[type=submit]")
	if key := evaluate[string](b, "document.getElementById('key').value"); len(key) != 30 {
		t.Errorf("the key is %q", key)
	}
	b.follow(".actions a.primary")
	b.follow("main .row form button")
	if got := b.text(".notice.warning"); got != "This API consumer is disabled. Nothing is sent to it, and its keys open nothing." {
		t.Errorf("disabling says %q", got)
	}
	b.open("/admin/integration/api-consumers?q=contoso")
	if got := b.text(".found"); got != "1 API Consumer Found" {
		t.Errorf("the list says %q", got)
	}
	b.picture("consumers-without-script")
}
