package views

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"labhook/engine"
)

// waitsInShort writes a policy's pauses in a few words: "2 s doubling to 1 h".
func waitsInShort(waits []time.Duration) string {
	if n := len(waits); n > 5 && doubles(waits[:n-1]) {
		return fmt.Sprintf("%s doubling to %s", Duration(waits[0]), Duration(waits[n-1]))
	}
	return waitsInFull(waits)
}

// doubles reports whether each pause is twice the one before.
func doubles(waits []time.Duration) bool {
	for i := 1; i < len(waits); i++ {
		if waits[i] != 2*waits[i-1] {
			return false
		}
	}
	return true
}

// waitsInFull lists a policy's pauses.
func waitsInFull(waits []time.Duration) string {
	words := make([]string, len(waits))
	for i, wait := range waits {
		words[i] = strings.ReplaceAll(Duration(wait), " ", "\u00a0") // number and unit stay in one line
	}
	return strings.Join(words, ", ")
}

// retriesHint says how many retries a policy allows.
func retriesHint(p *engine.RetryPolicy) string {
	return fmt.Sprintf("With the retry policy %s: 0 to %d, after %s.", p.Label, p.MaxRetries, waitsInShort(p.Waits))
}

// policyRules says in sentences what a policy does.
func policyRules(p *engine.RetryPolicy) []string {
	waits := "The pauses are " + waitsInFull(p.Waits)
	if len(p.Waits) == 1 {
		waits = "The pause is " + waitsInFull(p.Waits)
	}
	if p.MaxRetries > len(p.Waits) {
		waits += "; the last one repeats"
	}
	rules := []string{waits + "."}
	if p.LongestWait() > engine.JitterAbove {
		rules = append(rules, fmt.Sprintf("Pauses longer than %s vary by ±%d %%.", Duration(engine.JitterAbove), int(100*engine.Jitter)))
	}
	rules = append(rules,
		"Delivered is what is answered with "+successWords(p.Success)+".",
		upper(on4xxRule(p)),
	)
	if p.OnExhausted == engine.OnExhaustedDeactivate {
		return append(rules, "When the last retry has failed the webhook is deactivated.")
	}
	return append(rules, "When the last retry has failed the error action is applied.")
}

// successWords writes ranges of statuses: "200 to 299 or 304".
func successWords(ranges []engine.StatusRange) string {
	words := make([]string, len(ranges))
	for i, r := range ranges {
		words[i] = fmt.Sprint(r.From)
		if r.To != r.From {
			words[i] = fmt.Sprintf("%d to %d", r.From, r.To)
		}
	}
	return strings.Join(words, " or ")
}

// on4xxWords says what an answer from 400 to 499 does.
func on4xxWords(on engine.On4xx) string {
	switch on {
	case engine.On4xxGiveUp:
		return "the delivery is given up at once"
	case engine.On4xxDeactivate:
		return "the delivery is given up at once and the webhook deactivated"
	}
	return "it is tried again, as after any other failure"
}

// on4xxRule is the sentence about answers from 400 to 499, 410 among them.
func on4xxRule(p *engine.RetryPolicy) string {
	rule := "after an answer from 400 to 499 " + on4xxWords(p.On4xx)
	if p.GoneDeactivates && p.On4xx != engine.On4xxDeactivate {
		rule += ", but 410 deactivates the webhook"
	}
	return rule + "."
}

// suggestion says what a policy suggests for the fields that stand elsewhere.
func suggestion(p *engine.RetryPolicy) string {
	return fmt.Sprintf("It suggests %s and a timeout of %s.", Plural(p.Retries, "retry", "retries"), Duration(p.Timeout))
}

// rateWords says how fast requests may follow each other; "" where nothing limits them.
func rateWords(w *engine.Webhook) string {
	if w.RateLimit == 0 {
		return ""
	}
	words := Plural(w.RateLimit, "request", "requests") + " a second"
	if w.RateBurst > 0 {
		words += fmt.Sprintf(", %s at once", Number(int64(w.RateBurst)))
	}
	return words
}

// signingWords says how requests are signed.
func signingWords(g engine.Signing) string {
	switch g.Scheme {
	case engine.SigningHex:
		return "Hex HMAC-SHA256 of the body in " + g.Header
	case engine.SigningV1, engine.SigningV1a:
		return fmt.Sprintf("Standard Webhooks %s, %s", g.Scheme, strings.ToLower(namesWord(g.Names)))
	}
	return "None"
}

// presets are the retry policies but the custom one.
func presets() []engine.RetryPolicy {
	return slices.DeleteFunc(slices.Clone(engine.RetryPolicies), func(p engine.RetryPolicy) bool { return p.Name == engine.CustomPolicyName })
}

// upper makes the beginning of a sentence.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
