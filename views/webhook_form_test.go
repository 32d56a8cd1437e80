package views

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"labhook/engine"
)

// The list of tokens is what the engine knows, no more and no less.
func TestTokensAreKnown(t *testing.T) {
	t.Parallel()
	w := engine.NewWebhook(0)
	w.Events = []string{engine.LabScored}
	for _, token := range Tokens {
		for _, name := range token.Names {
			w.URL, w.SendLabDetails, w.Content = "https://hooks.example.com/?a=1", false, ""
			if strings.HasPrefix(name, "{") {
				w.URL += "&b=" + name
			} else {
				w.Content = name
			}
			if got := w.UnknownTokens(); len(got) != 0 {
				t.Errorf("%s is listed, but the engine does not know it", name)
			}
		}
		if token.Meaning == "" {
			t.Errorf("%v is not explained", token.Names)
		}
	}
}

// The style sheet shows what belongs to the chosen retry policy: a policy without a rule would always be shown.
func TestEveryPolicyHasARule(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("../static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range engine.RetryPolicies {
		if rule := `:has(#retry_policy > [value="` + p.Name + `"]:checked)) [data-policy="` + p.Name + `"]`; !strings.Contains(string(css), rule) {
			t.Errorf("there is no rule for the retry policy %s", p.Name)
		}
	}
}

func TestPolicyRules(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy engine.RetryPolicy
		short  string
		rules  []string
	}{
		{engine.StudioPolicy, "1 s, 2 s, 3 s, 4 s, 5 s", []string{"After an answer from 400 to 499 it is tried again", "the error action is applied"}},
		{engine.SkilljarPolicy, "2 s doubling to 1 h", []string{"17 min 4 s, 34 min 8 s, 1 h;", "given up at once and the webhook deactivated.", "±10 %", "failed the webhook is deactivated"}},
		{engine.StandardPolicy, "5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h", []string{"tried again, as after any other failure, but 410 deactivates the webhook."}},
		{engine.LivePolicy, "20 s doubling to 1 h", []string{"Delivered is what is answered with 200 to 308."}},
	} {
		if got := plainSpaces(waitsInShort(test.policy.Waits)); got != test.short {
			t.Errorf("%s: %q, want %q", test.policy.Name, got, test.short)
		}
		all := plainSpaces(strings.Join(policyRules(&test.policy), " "))
		for _, rule := range test.rules {
			if !strings.Contains(all, rule) {
				t.Errorf("%s: %q lacks %q", test.policy.Name, all, rule)
			}
		}
	}
}

func plainSpaces(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }

// Every row that is checked by itself is one that the form has, and its address says which.
func TestCheckedRows(t *testing.T) {
	t.Parallel()
	f := WebhookForm{Page: testPage(), Consumer: engine.APIConsumer{ID: 7}}
	f.Page.Catalog = engine.BuiltIn
	f.Preview = WebhookPreview{Problem: "There is none.", RequestProblem: "There is none."}
	doc := document(t, WebhookEdit(f))
	for _, id := range CheckedRows {
		row := doc.Find(`[id="f-` + id + `"]`)
		u, err := url.Parse(row.AttrOr("hx-post", ""))
		if row.Length() != 1 || err != nil || u.Query().Get("field") != id || row.Find("[name='"+id+"']").Length() != 1 {
			t.Errorf("%s: %d rows, which ask %s", id, row.Length(), u)
		}
	}
	for _, id := range secretFields {
		if row := doc.Find(`[id="f-` + id + `"]`); row.Length() != 1 || row.AttrOr("hx-post", "") != "" {
			t.Errorf("%s is sent to be checked, or missing", id)
		}
	}
	if n := doc.Find("*").Length(); n > 1500 {
		t.Errorf("the form has %d elements, at most 1500 are wanted", n)
	}
}
