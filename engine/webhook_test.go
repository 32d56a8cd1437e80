package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// problems returns what an InvalidError says, "field: message" each; nil for no error.
func problems(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[engine.InvalidError](err)
	if !ok {
		t.Fatalf("%v is no InvalidError", err)
	}
	var list []string
	for _, i := range invalid {
		list = append(list, i.Field+": "+i.Message)
	}
	return list
}

func TestWebhookDefaultsAreStudios(t *testing.T) {
	t.Parallel()
	got := engine.NewWebhook(7)
	want := engine.Webhook{
		ConsumerID: 7, Verb: "POST", SendLabDetails: true, Enabled: true, Timeout: 30 * time.Second, Retries: 3,
		ErrorAction: engine.ErrorActionLog, RetryPolicy: "studio",
		Signing: engine.Signing{Scheme: engine.SigningV1, Names: engine.NamesWebhook},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.AttemptsInAll() != 4 {
		t.Errorf("%d attempts in all", got.AttemptsInAll())
	}
	got.RetryPolicy = "gone"
	if got.Policy().Name != "studio" {
		t.Errorf("an unknown policy stands for %q", got.Policy().Name)
	}
}

func TestWebhookValidateRefuses(t *testing.T) {
	t.Parallel()
	const example = "such as https://hooks.example.com/lab"
	header := func(name, value string) func(*engine.Webhook) {
		return func(w *engine.Webhook) { w.Headers = []engine.Header{{Name: name, Value: engine.Secret(value)}} }
	}
	url := func(u string) func(*engine.Webhook) { return func(w *engine.Webhook) { w.URL = u } }
	own := func(contentType, content string) func(*engine.Webhook) {
		return func(w *engine.Webhook) { w.SendLabDetails, w.ContentType, w.Content = false, contentType, content }
	}
	tests := map[string]struct {
		change func(*engine.Webhook)
		want   []string
	}{
		"no name":               {func(w *engine.Webhook) { w.Name = "" }, []string{"name: Enter a name"}},
		"blank name":            {func(w *engine.Webhook) { w.Name = " \t " }, []string{"name: Enter a name", "name: Name must be one line without tabs"}},
		"long name":             {func(w *engine.Webhook) { w.Name = strings.Repeat("ä", 101) }, []string{"name: Name may have at most 100 characters, this one has 101"}},
		"two lines in name":     {func(w *engine.Webhook) { w.Name = "a\nb" }, []string{"name: Name must be one line without tabs"}},
		"control in name":       {func(w *engine.Webhook) { w.Name = "a\x00b" }, []string{"name: Name must not contain control characters"}},
		"C1 control in name":    {func(w *engine.Webhook) { w.Name = "a\u0085b" }, []string{"name: Name must not contain control characters"}},
		"name not UTF-8":        {func(w *engine.Webhook) { w.Name = "a\xffb" }, []string{"name: Name must be UTF-8 text"}},
		"no event":              {func(w *engine.Webhook) { w.Events = nil }, []string{"events: Choose the event that the webhook listens to"}},
		"unknown event":         {func(w *engine.Webhook) { w.Events = []string{"lab.exploded"} }, []string{`events: There is no event type "lab.exploded"`}},
		"empty event":           {func(w *engine.Webhook) { w.Events = []string{""} }, []string{`events: There is no event type ""`}},
		"label as event":        {func(w *engine.Webhook) { w.Events = []string{"First Displayable"} }, []string{`events: "First Displayable" is named by its code, lab.first_displayable`}},
		"event in upper case":   {func(w *engine.Webhook) { w.Events = []string{"LAB.SCORED"} }, []string{`events: "LAB.SCORED" is named by its code, lab.scored`}},
		"event named twice":     {func(w *engine.Webhook) { w.Events = []string{"lab.saved", "lab.saved"} }, []string{`events: "lab.saved" is named twice`}},
		"all and one more":      {func(w *engine.Webhook) { w.Events = []string{"*", "lab.saved"} }, []string{`events: "*" stands for all events and must be alone`}},
		"no verb":               {func(w *engine.Webhook) { w.Verb = "" }, []string{"verb: Verb must be one of POST, PUT, PATCH, GET, DELETE"}},
		"small verb":            {func(w *engine.Webhook) { w.Verb = "post" }, []string{"verb: Verb must be one of POST, PUT, PATCH, GET, DELETE"}},
		"other verb":            {func(w *engine.Webhook) { w.Verb = "TRACE" }, []string{"verb: Verb must be one of POST, PUT, PATCH, GET, DELETE"}},
		"no URL":                {url(""), []string{"url: Enter a URL, " + example}},
		"blank URL":             {url("  "), []string{"url: Enter a URL, " + example}},
		"no scheme":             {url("hooks.example.com/lab"), []string{"url: Enter a URL that starts with https:// or http://"}},
		"no scheme but slashes": {url("//hooks.example.com/lab"), []string{"url: Enter a URL that starts with https:// or http://"}},
		"ftp":                   {url("ftp://hooks.example.com/lab"), []string{"url: Enter a URL that starts with https:// or http://"}},
		"file":                  {url("file:///etc/passwd"), []string{"url: Enter a URL that starts with https:// or http://"}},
		"javascript":            {url("javascript:alert(1)"), []string{"url: Enter a URL that starts with https:// or http://"}},
		"no host":               {url("https:///lab"), []string{"url: The URL names no host; enter one " + example}},
		"port without host":     {url("https://:443/lab"), []string{"url: The URL names no host; enter one " + example}},
		"opaque":                {url("https:hooks.example.com"), []string{"url: The URL names no host; enter one " + example}},
		"space in URL":          {url("https://hooks.example.com/a b"), []string{"url: This is not a URL; enter one " + example}},
		"space around URL":      {url(" https://hooks.example.com/"), []string{"url: This is not a URL; enter one " + example}},
		"line break in URL":     {url("https://hooks.example.com/\r\nX: y"), []string{"url: This is not a URL; enter one " + example}},
		"backslash in URL":      {url(`https://hooks.example.com\@evil.example/`), []string{"url: This is not a URL; enter one " + example}},
		"bad escape in URL":     {url("https://hooks.example.com/%zz"), []string{"url: This is not a URL; enter one " + example}},
		"token as host":         {url("https://{id}.example.com/"), []string{"url: Write out scheme, host and port: {id} can only stand behind them"}},
		"bad IPv6":              {url("https://[::1/"), []string{"url: This is not a URL; enter one " + example}},
		"user in URL":           {url("https://user:pass@hooks.example.com/"), []string{"url: The URL must not hold a user or password; send an Authorization header instead"}},
		"empty user in URL":     {url("https://@hooks.example.com/"), []string{"url: The URL must not hold a user or password; send an Authorization header instead"}},
		"masked query":          {url("https://hooks.example.com/?token=" + string(engine.Mask)), []string{"url: Enter the query of the URL in full; its dots stand for no stored value, or for one that was meant for another URL"}},
		"fragment":              {url("https://hooks.example.com/#x"), []string{"url: The URL must not have a part after #, it is never sent"}},
		"empty fragment":        {url("https://hooks.example.com/#"), []string{"url: The URL must not have a part after #, it is never sent"}},
		"port 0":                {url("https://hooks.example.com:0/"), []string{"url: The port must be a number from 1 to 65535"}},
		"port 65536":            {url("https://hooks.example.com:65536/"), []string{"url: The port must be a number from 1 to 65535"}},
		"port in letters":       {url("https://hooks.example.com:http/"), []string{"url: This is not a URL; enter one " + example}},
		"long URL":              {url("https://hooks.example.com/" + strings.Repeat("a", 2023)), []string{"url: URL may have at most 2048 bytes, this one has 2049"}},
		"space in header name":  {header("X Lab", "1"), []string{`headers: Header 1: "X Lab" is not a header name; use letters, digits and hyphens`}},
		"no header name":        {header("", "1"), []string{`headers: Header 1: "" is not a header name; use letters, digits and hyphens`}},
		"line break in header":  {header("X-Lab", "1\r\nX-Evil: 2"), []string{"headers: Header 1: the value of X-Lab must not contain control characters"}},
		"NUL in header":         {header("X-Lab", "a\x00"), []string{"headers: Header 1: the value of X-Lab must not contain control characters"}},
		"host header":           {header("Host", "evil.example"), []string{"headers: Header 1: Host is set by Labhook and cannot be given"}},
		"length header":         {header("content-length", "1"), []string{"headers: Header 1: content-length is set by Labhook and cannot be given"}},
		"encoding header":       {header("Transfer-Encoding", "chunked"), []string{"headers: Header 1: Transfer-Encoding is set by Labhook and cannot be given"}},
		"our id header":         {header("Webhook-Id", "x"), []string{"headers: Header 1: Webhook-Id is set by Labhook and cannot be given"}},
		"our event header":      {header("Labhook-Anything", "x"), []string{"headers: Header 1: Labhook-Anything is set by Labhook and cannot be given"}},
		"proxy header":          {header("Proxy-Authorization", "x"), []string{"headers: Header 1: Proxy-Authorization is set by Labhook and cannot be given"}},
		"open Authorization":    {header("authorization", "Bearer x"), []string{"headers: Header 1: authorization carries a secret and must be sensitive"}},
		"mask as value":         {header("X-Key", engine.Mask), []string{"headers: Header 1: enter the value of X-Key; its dots stand for no stored value, or for one that was meant for another scheme, host or port"}},
		"too many headers": {func(w *engine.Webhook) {
			w.Headers = make([]engine.Header, 51)
			for i := range w.Headers {
				w.Headers[i].Name = "X-Lab"
			}
		}, []string{"headers: There may be at most 50 headers, these are 51"}},
		"headers too long":        {header("X-Lab", strings.Repeat("x", 8188)), []string{"headers: The headers may have at most 8192 bytes in all, these have 8193"}},
		"content is not JSON":     {own("application/json", "{\n\"a\":}"), []string{"content: Content is not JSON: invalid character '}' looking for beginning of value (line 2, column 5)"}},
		"content ends early":      {own("application/hal+json", `{"a":1`), []string{"content: Content is not JSON: unexpected end of JSON input (line 1, column 6)"}},
		"content not UTF-8":       {own("text/plain", "a\xff"), []string{"content: Content must be UTF-8 text"}},
		"content too long":        {own("", strings.Repeat("x", 256<<10+1)), []string{"content: Content may have at most 262144 bytes, this one has 262145"}},
		"content type: a word":    {own("json", ""), []string{"content_type: Enter a media type such as application/json"}},
		"content type: a slash":   {own("/", ""), []string{"content_type: Enter a media type such as application/json"}},
		"content type: half":      {own("text/", ""), []string{"content_type: Enter a media type such as application/json"}},
		"content type: parameter": {own("text/plain; charset", ""), []string{"content_type: Enter a media type such as application/json"}},
		"content type: breaks":    {own("text/plain\r\nX: y", ""), []string{"content_type: Enter a media type such as application/json"}},
		"content type: long":      {own("text/"+strings.Repeat("x", 196), ""), []string{"content_type: Enter a media type such as application/json"}},
		"negative delay":          {func(w *engine.Webhook) { w.Delay = -time.Second }, []string{"delay: Delay must be a whole number of seconds from 0 to 86400"}},
		"half a second of delay":  {func(w *engine.Webhook) { w.Delay = 500 * time.Millisecond }, []string{"delay: Delay must be a whole number of seconds from 0 to 86400"}},
		"delay over a day":        {func(w *engine.Webhook) { w.Delay = 24*time.Hour + time.Second }, []string{"delay: Delay must be a whole number of seconds from 0 to 86400"}},
		"no timeout":              {func(w *engine.Webhook) { w.Timeout = 0 }, []string{"timeout: Timeout must be a whole number of seconds from 1 to 300"}},
		"long timeout":            {func(w *engine.Webhook) { w.Timeout = 301 * time.Second }, []string{"timeout: Timeout must be a whole number of seconds from 1 to 300"}},
		"uneven timeout":          {func(w *engine.Webhook) { w.Timeout = 1500 * time.Millisecond }, []string{"timeout: Timeout must be a whole number of seconds from 1 to 300"}},
		"negative retries":        {func(w *engine.Webhook) { w.Retries = -1 }, []string{"retries: Retries must be a whole number from 0 to 5"}},
		"six retries":             {func(w *engine.Webhook) { w.Retries = 6 }, []string{"retries: Retries must be a whole number from 0 to 5"}},
		"no policy":               {func(w *engine.Webhook) { w.RetryPolicy = "" }, []string{"retry_policy: Retry policy must be one of studio, skilljar, standard, live, custom"}},
		"other policy":            {func(w *engine.Webhook) { w.RetryPolicy = "forever" }, []string{"retry_policy: Retry policy must be one of studio, skilljar, standard, live, custom"}},
		"no error action":         {func(w *engine.Webhook) { w.ErrorAction = "" }, []string{"error_action: Error action must be one of log, notify_user and end_lab"}},
		"label as error action":   {func(w *engine.Webhook) { w.ErrorAction = "Log" }, []string{"error_action: Error action must be one of log, notify_user and end_lab"}},
		"long notification":       {func(w *engine.Webhook) { w.NotificationText = strings.Repeat("x", 501) }, []string{"notification_text: Notification text may have at most 500 characters, this one has 501"}},
		"bell in notification":    {func(w *engine.Webhook) { w.NotificationText = "ding\a" }, []string{"notification_text: Notification text must not contain control characters"}},
		"long description":        {func(w *engine.Webhook) { w.Description = strings.Repeat("x", 2001) }, []string{"description: Description may have at most 2000 characters, this one has 2001"}},
		"two fields at once": {func(w *engine.Webhook) { w.Verb, w.Retries = "", 9 }, []string{
			"verb: Verb must be one of POST, PUT, PATCH, GET, DELETE", "retries: Retries must be a whole number from 0 to 5",
		}},
	}
	for name, tt := range tests {
		w := enginetest.Webhook(tt.change)
		if diff := cmp.Diff(tt.want, problems(t, w.Validate(engine.BuiltIn))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestWebhookValidateAllows holds the last value of each limit that is still allowed; the refusals hold the first
// one beyond.
func TestWebhookValidateAllows(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*engine.Webhook){
		"as it is":      func(*engine.Webhook) {},
		"longest name":  func(w *engine.Webhook) { w.Name = strings.Repeat("ä", engine.MaxWebhookName) },
		"every event":   func(w *engine.Webhook) { w.Events = codes(engine.BuiltIn.All()) },
		"all events":    func(w *engine.Webhook) { w.Events = []string{engine.AllEvents} },
		"longest URL":   func(w *engine.Webhook) { w.URL = "https://hooks.example.com/" + strings.Repeat("a", engine.MaxURL-26) },
		"token in path": func(w *engine.Webhook) { w.URL = "https://hooks.example.com/labinstance/changed/{id}?u={userId}" },
		"IPv6":          func(w *engine.Webhook) { w.URL = "http://[2606:4700::1111]:8080/lab" },
		"large scheme":  func(w *engine.Webhook) { w.URL = "HTTPS://HOOKS.EXAMPLE.COM" },
		"IDN":           func(w *engine.Webhook) { w.URL = "https://bücher.example/läb" },
		"last port":     func(w *engine.Webhook) { w.URL = "https://hooks.example.com:65535/" },
		"most headers": func(w *engine.Webhook) {
			w.Headers = make([]engine.Header, engine.MaxHeaders)
			for i := range w.Headers {
				w.Headers[i] = engine.Header{Name: "X-Lab", Value: "naïve\tvalue"}
			}
		},
		"longest headers": func(w *engine.Webhook) {
			w.Headers = []engine.Header{{Name: "X-Lab", Value: engine.Secret(strings.Repeat("x", engine.MaxHeaderBytes-5))}}
		},
		"sensitive headers": func(w *engine.Webhook) {
			w.Headers = []engine.Header{{Name: "Authorization", Value: "Basic eDp5", Sensitive: true}, {Name: "Cookie", Value: "a=b", Sensitive: true}, {Name: "X-Empty"}}
		},
		"longest content": func(w *engine.Webhook) { w.SendLabDetails, w.Content = false, strings.Repeat("x", engine.MaxContent) },
		"no content":      func(w *engine.Webhook) { w.SendLabDetails = false },
		"JSON content": func(w *engine.Webhook) {
			w.SendLabDetails, w.ContentType, w.Content = false, "application/json", `{"text":"é"}`
		},
		"content that is off": func(w *engine.Webhook) { w.ContentType, w.Content = "application/json", "{" },
		"longest type":        func(w *engine.Webhook) { w.ContentType = "text/" + strings.Repeat("x", engine.MaxContentType-5) },
		"type with parameter": func(w *engine.Webhook) { w.ContentType = "text/plain; charset=utf-8" },
		"no delay":            func(w *engine.Webhook) { w.Delay = 0 },
		"longest delay":       func(w *engine.Webhook) { w.Delay = engine.MaxDelay },
		"shortest timeout":    func(w *engine.Webhook) { w.Timeout = engine.MinTimeout },
		"longest timeout":     func(w *engine.Webhook) { w.Timeout = engine.MaxTimeout },
		"no retries":          func(w *engine.Webhook) { w.Retries = 0 },
		"most retries":        func(w *engine.Webhook) { w.Retries = engine.StudioPolicy.MaxRetries },
		"longest texts": func(w *engine.Webhook) {
			w.NotificationText = strings.Repeat("é", engine.MaxNotificationText)
			w.Description = strings.Repeat("\n", engine.MaxDescription)
		},
	} {
		w := enginetest.Webhook(change)
		if err := w.Validate(engine.BuiltIn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, verb := range engine.Verbs {
		for _, action := range engine.ErrorActions {
			w := enginetest.Webhook(func(w *engine.Webhook) { w.Verb, w.ErrorAction, w.EndLabConfirmed = verb, action, true })
			if err := w.Validate(engine.BuiltIn); err != nil {
				t.Errorf("%s, %s: %v", verb, action, err)
			}
		}
	}
}

func codes(types []engine.EventType) []string {
	var list []string
	for _, kind := range types {
		list = append(list, kind.Code)
	}
	return list
}

func TestListensTo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		events []string
		code   string
		want   bool
	}{
		{[]string{engine.LabScored}, engine.LabScored, true},
		{[]string{engine.LabScored}, engine.LabScoring, false},
		{[]string{engine.LabSaved, engine.LabScored}, engine.LabScored, true},
		{[]string{engine.AllEvents}, engine.LabTornDown, true},
		{nil, engine.LabScored, false},
	} {
		w := engine.Webhook{Events: tt.events}
		if got := w.ListensTo(tt.code); got != tt.want {
			t.Errorf("%v listens to %s: %t", tt.events, tt.code, got)
		}
	}
}
