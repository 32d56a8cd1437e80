package receiver

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Limits of a script.
const (
	MaxSteps = 100
	MaxTimes = 1_000_000
	MaxDelay = 10 * time.Minute
)

// Answer is what one request gets.
type Answer struct {
	// Status is the HTTP status; 0 means 200, unless Hang or Drop is set: then no answer comes at all.
	Status int
	// Delay is the pause before the answer.
	Delay time.Duration
	// Hang: the answer never ends. With a status its head and body come and the end does not.
	Hang bool
	// Drop: the connection is closed before the answer is complete. With a status its head and body come first.
	Drop   bool
	Header http.Header
	Body   string
}

// String writes the answer as ParseScript reads it. Header and body have no place in it.
func (a Answer) String() string {
	var words []string
	switch {
	case a.Status != 0:
		words = append(words, strconv.Itoa(a.Status))
	case !a.Hang && !a.Drop:
		words = append(words, "200")
	}
	if a.Hang {
		words = append(words, "hang")
	}
	if a.Drop {
		words = append(words, "drop")
	}
	if a.Delay > 0 {
		words = append(words, "after", a.Delay.String())
	}
	return strings.Join(words, " ")
}

// Step is one answer of a script and how often it is given.
type Step struct {
	Answer Answer
	// Times is how many requests the step answers, 0 counts as 1. It means nothing in the last step, which repeats.
	Times int
	// Percent is the share of the requests that get Answer, the others get 200; 0 means all.
	Percent float64
}

// Script is what the requests of one delivery get, one after the other. The last step repeats. An empty script
// answers 200.
type Script []Step

// Always returns the script that gives every request the same answer.
func Always(a Answer) Script { return Script{{Answer: a}} }

// String writes the script as ParseScript reads it.
func (s Script) String() string {
	if len(s) == 0 {
		return "200"
	}
	steps := make([]string, len(s))
	for i, step := range s {
		text := step.Answer.String()
		if step.Percent > 0 {
			text = "random " + strconv.FormatFloat(step.Percent, 'f', -1, 64) + "% " + text
		}
		if step.Times > 1 && i < len(s)-1 {
			text += " x" + strconv.Itoa(step.Times)
		}
		steps[i] = text
	}
	return strings.Join(steps, ", then ")
}

// at returns the step for request n, which counts from 1.
func (s Script) at(n int) Step {
	for i, step := range s {
		if n -= max(step.Times, 1); n <= 0 || i == len(s)-1 {
			return step
		}
	}
	return Step{}
}

// ParseScript reads a script as people write it. Steps stand one after the other, divided by commas or "then":
//
//	200                       every request is answered 200
//	503 twice, then 200       the first two requests of a delivery are answered 503, all later ones 200
//	503 x2, 200               the same
//	500 3 times then 200
//	200 after 2s              the answer comes after two seconds
//	hang                      no answer comes, the connection stays open
//	drop                      the connection is closed without an answer
//	200 hang, 200 drop        the head and the body of the answer come, then the same happens
//	random 10% 503            one request in ten is answered 503, the others 200
//
// The last step repeats. The body of an answer is the text of its status.
func ParseScript(text string) (Script, error) {
	var script Script
	for _, words := range divider.Split(strings.ToLower(text), -1) {
		if strings.TrimSpace(words) == "" {
			return nil, fmt.Errorf("a step is missing in the script %q; the shortest script is 200", text)
		}
		step, err := parseStep(strings.Fields(words))
		if err != nil {
			return nil, err
		}
		script = append(script, step)
	}
	if len(script) > MaxSteps {
		return nil, fmt.Errorf("a script may have at most %d steps, this one has %d", MaxSteps, len(script))
	}
	script[len(script)-1].Times = 0
	return script, nil
}

// divider stands between the steps of a script.
var divider = regexp.MustCompile(`[,;](\s*then\b)?|\bthen\b`)

// parseStep reads the words of one step.
func parseStep(words []string) (Step, error) {
	p := stepParser{words: words}
	if p.accept("random") {
		p.percent()
	}
	p.answer()
	for p.err == nil && len(p.words) > 0 {
		p.modifier()
	}
	if p.err != nil {
		return Step{}, fmt.Errorf("in the step %q: %w", strings.Join(words, " "), p.err)
	}
	p.step.Answer.Body = standardBody(p.step.Answer.Status)
	return p.step, nil
}

// standardBody is the text of a status as one line, "" where an answer of that status has no body.
func standardBody(status int) string {
	text := http.StatusText(status)
	if text == "" || status == http.StatusNoContent || status == http.StatusNotModified {
		return ""
	}
	return text + "\n"
}

// stepParser reads one step word by word. The first error stays in err.
type stepParser struct {
	words []string
	step  Step
	err   error
}

// next takes the next word, "" when none is left.
func (p *stepParser) next() string {
	if len(p.words) == 0 {
		return ""
	}
	word := p.words[0]
	p.words = p.words[1:]
	return word
}

// accept takes the next word if it is that one.
func (p *stepParser) accept(word string) bool {
	if len(p.words) == 0 || p.words[0] != word {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *stepParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *stepParser) percent() {
	word := p.next()
	number, ok := strings.CutSuffix(word, "%")
	share, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(share > 0 && share <= 100) {
		p.fail("%q is no share of the requests; write one such as 10%%", word)
	}
	p.step.Percent = share
}

func (p *stepParser) answer() {
	a := &p.step.Answer
	switch word := p.next(); word {
	case "hang":
		a.Hang = true
	case "drop":
		a.Drop = true
	case "":
		p.fail("the answer is missing; write a status such as 503, hang or drop")
	default:
		status, err := strconv.Atoi(word)
		switch {
		case err != nil:
			p.fail("%q is not understood; a step starts with a status such as 503, hang, drop or random 10%%", word)
		case status < 200 || status > 599:
			p.fail("%s is no status to answer with; choose one from 200 to 599", word)
		}
		a.Status = status
	}
}

// modifier reads what may follow the answer of a step.
func (p *stepParser) modifier() {
	a := &p.step.Answer
	switch word := p.next(); {
	case word == "after":
		p.delay()
	case word == "hang" && !a.Hang && !a.Drop:
		a.Hang = true
	case word == "drop" && !a.Hang && !a.Drop:
		a.Drop = true
	case word == "once":
		p.times("1")
	case word == "twice":
		p.times("2")
	case word[0] == 'x' && len(word) > 1:
		p.times(word[1:])
	case len(p.words) > 0 && (p.words[0] == "times" || p.words[0] == "time"):
		p.next()
		p.times(word)
	default:
		p.fail("%q is not understood; an answer may be followed by twice, x3, 3 times, after 2s, hang or drop", word)
	}
}

func (p *stepParser) times(word string) {
	n, err := strconv.Atoi(word)
	switch {
	case p.step.Times != 0:
		p.fail("it says twice how often")
	case err != nil || n < 1 || n > MaxTimes:
		p.fail("%q is no number of times; it may be 1 to %d", word, MaxTimes)
	}
	p.step.Times = n
}

// units are the words that may follow the number of a delay.
var units = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "minute": time.Minute, "minutes": time.Minute,
}

func (p *stepParser) delay() {
	word := p.next()
	d, err := time.ParseDuration(word)
	if n, notNumber := strconv.Atoi(word); notNumber == nil && n >= 0 && n <= int(MaxDelay/time.Millisecond) && len(p.words) > 0 {
		if unit := units[p.words[0]]; unit != 0 {
			d, err = time.Duration(n)*unit, nil
			p.next()
		}
	}
	switch {
	case p.step.Answer.Delay != 0:
		p.fail("it says twice after how long")
	case err != nil || d < 0 || d > MaxDelay:
		p.fail("%q is no delay; write one such as 2s, 500ms or 1m, at most %s", word, MaxDelay)
	}
	p.step.Answer.Delay = d
}
