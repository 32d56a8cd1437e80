// Package e2e has the tests that need a browser: they go through the screens as a person does, in light and dark, on
// a wide and on a small screen, and let axe-core look at each page.
//
// They are skipped with -short and where no Chromium is found, unless LABHOOK_BROWSER=required. LABHOOK_PICTURES=folder
// keeps pictures of every page that was looked at.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long one tab may take for everything; a browser that hangs then fails its test alone.
const patience = 2 * time.Minute

// screen is what a page is looked at with.
type screen struct {
	width int64
	dark  bool
}

func (s screen) String() string {
	if s.dark {
		return fmt.Sprint("dark-", s.width)
	}
	return fmt.Sprint("light-", s.width)
}

// screens are the four that every page must do on.
var screens = []screen{{1280, false}, {1280, true}, {360, false}, {360, true}}

// tab is a browser tab with cookies of its own.
type tab struct {
	t      *testing.T
	ctx    context.Context
	site   *site
	screen screen
	reader reader // who is signed in, while the matrix is walked

	mu         sync.Mutex
	complaints []string // of the browser: policy violations and script errors
}

// browserPath returns the browser, or skips the test.
func browserPath(t *testing.T) string {
	t.Helper()
	required := os.Getenv("LABHOOK_BROWSER") == "required"
	if testing.Short() && !required {
		t.Skip("browser tests are left out with -short")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if required {
		t.Fatal("LABHOOK_BROWSER=required, but there is no Chromium")
	}
	t.Skip("there is no Chromium")
	return ""
}

// newTab starts a browser that shows pages of the site.
func newTab(t *testing.T, s *site, look screen) *tab {
	t.Helper()
	return newPatientTab(t, s, look, patience)
}

// newPatientTab is newTab for what may take longer.
func newPatientTab(t *testing.T, s *site, look screen, patience time.Duration) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browserPath(t)), chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the sandbox refuses to run as root
	}
	limit, end := context.WithTimeout(t.Context(), patience)
	t.Cleanup(end)
	allocator, stop := chromedp.NewExecAllocator(limit, options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, site: s}
	b.look(look)
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	return b
}

// listen collects what the browser complains about.
func (b *tab) listen(event any) {
	text := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceSecurity || e.Entry.Source == log.EntrySourceJavascript {
			text = e.Entry.Text
		}
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
	}
	if text != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, text)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// open goes to a path of the site.
func (b *tab) open(path string) {
	b.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = b.site.url + path
	}
	b.do(chromedp.Navigate(path))
}

// follow clicks on what the CSS selector finds, and waits for the page behind it.
func (b *tab) follow(selector string) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience/8)
	defer end()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("follow %s: %v", selector, err)
	}
}

// back goes back to a page that htmx left without a new document, which it then loads anew.
func (b *tab) back() {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Evaluate[chromedp.Void]("history.back()"))); err != nil {
		b.t.Fatalf("go back: %v", err)
	}
}

// fill types into the fields with these ids.
func (b *tab) fill(fields map[string]string) {
	b.t.Helper()
	for id, text := range fields {
		b.do(chromedp.SetValue(chromedp.ID(id), text))
	}
}

// text returns the text of what the CSS selector finds first, "" when it finds nothing.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return evaluate[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

func evaluate[T any](b *tab, script string, options ...chromedp.EvaluateOption) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, options...))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// signIn signs in as the person of addUser.
func (b *tab) signIn() {
	b.t.Helper()
	b.signInAs(login)
}

// signInAs signs in as somebody of addUsers.
func (b *tab) signInAs(name string) {
	b.t.Helper()
	b.open("/login")
	b.fill(map[string]string{"login": name, "password": password})
	b.follow("main button[type=submit]")
	if got := b.text("h1"); got != "Site Administration" {
		b.t.Fatalf("after signing in the page is %q", got)
	}
}

// check looks at the page as it is: axe, sideways scrolling, complaints of the browser. name is the picture's.
func (b *tab) check(name string) {
	b.t.Helper()
	b.picture(name)
	b.axe(name)
	b.reflow(name)
	b.complain(name)
}

// complain says what the browser complained about since it was asked last.
func (b *tab) complain(name string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.complaints {
		b.t.Errorf("%s: the browser complains: %s", name, text)
	}
	b.complaints = nil
}

// picture keeps a picture of the whole page below LABHOOK_PICTURES, if that is set.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("LABHOOK_PICTURES")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		b.t.Fatal(err)
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+"-"+b.screen.String()+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
