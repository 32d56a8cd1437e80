package engine

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	rules "github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Limits of a JSON Schema and of what is checked with one. A schema comes from an administrator and data from a sender:
// neither may keep the server busy.
const (
	MaxSchema         = 64 << 10   // bytes
	MaxSchemaProblems = 20         // problems that are reported of one event
	maxSchemaNesting  = 200        // levels of a schema
	maxCheckedNesting = 32         // levels of data
	maxCheckedNumber  = 100        // characters of a number in data or a schema
	maxCheckedPower   = 400        // power of ten of such a number
	maxSchemaWork     = 10_000_000 // bytes of data × steps for each
	maxPatternSize    = 5_000      // instructions of a compiled regular expression
	maxProblemText    = 200        // characters
)

// Schema is a compiled JSON Schema. It never changes and is safe for concurrent use.
type Schema struct {
	text     string
	compiled *jsonschema.Schema
	steps    [maxCheckedNesting + 1]int // at most for a byte of data, by the levels of the data
}

// schemaURL stands for the schema itself in the compiler. It leads nowhere.
const schemaURL = "schema:///own"

// CompileSchema reads a JSON Schema, of draft 2020-12 where it names no other. Nothing is loaded: a schema may refer to
// its own parts alone. The error is an InvalidError on the field "schema".
func CompileSchema(text string) (*Schema, error) {
	s, problem := compileSchema(text)
	if problem != "" {
		return nil, InvalidError{{Field: "schema", Message: problem}}
	}
	return s, nil
}

// compileSchema returns the schema, or what is wrong with it.
func compileSchema(text string) (*Schema, string) {
	if len(text) > MaxSchema {
		return nil, fmt.Sprintf("The schema may have at most %d bytes, this one has %d", MaxSchema, len(text))
	}
	if problem := JSONProblem(text); problem != "" {
		return nil, "The schema is not JSON: " + problem
	}
	doc, problem := readChecked([]byte(text), maxSchemaNesting)
	if problem != "" {
		return nil, "The schema " + problem
	}
	if _, ok := doc.(map[string]any); !ok {
		return nil, "The schema must be a JSON object"
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.UseRegexpEngine(compilePattern)
	s := &Schema{text: text}
	err := c.AddResource(schemaURL, doc)
	if err == nil {
		s.compiled, err = c.Compile(schemaURL)
	}
	if err != nil {
		return nil, "This is no JSON Schema: " + schemaProblem(err)
	}
	if s.steps, err = countSteps(s.compiled); err != nil {
		return nil, "The schema " + err.Error()
	}
	return s, ""
}

// schemaProblem says why a schema does not compile.
func schemaProblem(err error) string {
	if broken, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if invalid, ok := errors.AsType[*jsonschema.ValidationError](broken.Err); ok {
			for _, p := range problemsFound(invalid, "", 1) {
				return p.Field + ": " + p.Message
			}
		}
	}
	return plain(err.Error(), maxProblemText)
}

// noLoader loads nothing, neither from files nor over the network.
type noLoader struct{}

// Load refuses.
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not loaded: a schema may refer to its own parts alone", plain(url, maxProblemText))
}

// pattern is a compiled regular expression that knows its size.
type pattern struct {
	*regexp.Regexp
	size int // instructions
}

// compilePattern compiles a regular expression of a schema.
func compilePattern(text string) (jsonschema.Regexp, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > maxPatternSize {
		return nil, fmt.Errorf("the regular expression is too big")
	}
	compiled, err := regexp.Compile(text)
	return pattern{compiled, len(program.Inst)}, err
}

// Text returns the schema as it was entered; "" for none.
func (s *Schema) Text() string {
	if s == nil {
		return ""
	}
	return s.text
}

// check adds a message for each rule that data break, which are valid JSON, up to MaxSchemaProblems. Nil checks nothing.
func (s *Schema) check(bad *InvalidError, field string, data json.RawMessage) {
	if s == nil {
		return
	}
	doc, problem := readChecked(data, maxCheckedNesting)
	if problem == "" && len(data)*s.steps[nesting(doc)] > maxSchemaWork {
		problem = "are too large for the schema of the event type, or nested too deeply"
	}
	if problem != "" {
		bad.add(field, "The data %s", problem)
		return
	}
	invalid, ok := errors.AsType[*jsonschema.ValidationError](s.compiled.Validate(doc))
	if !ok {
		return
	}
	*bad = append(*bad, problemsFound(invalid, field, MaxSchemaProblems)...)
}

// readChecked decodes JSON that may be given to the validator, or says what is wrong with it. The validator computes
// with exact numbers, for which the likes of 1e999999 would take forever.
func readChecked(data []byte, levels int) (any, string) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	depth := 0
	for {
		token, err := decoder.Token()
		if err != nil {
			break // the end: it is valid JSON
		}
		switch t := token.(type) {
		case json.Number:
			if !checkable(t.String()) {
				return nil, fmt.Sprintf("hold a number that is too long to be checked: %s", plain(t.String(), 20))
			}
		case json.Delim:
			depth++
			if t == '}' || t == ']' {
				depth -= 2
			}
			if depth > levels {
				return nil, fmt.Sprintf("are nested deeper than %d levels", levels)
			}
		}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, "cannot be read: " + err.Error()
	}
	return doc, ""
}

// checkable reports whether exact arithmetic with a JSON number is cheap.
func checkable(number string) bool {
	if len(number) > maxCheckedNumber {
		return false
	}
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return true
	}
	power, err := strconv.Atoi(number[i+1:])
	return err == nil && power <= maxCheckedPower && power >= -maxCheckedPower
}

// nesting returns how many levels of objects and lists a value has.
func nesting(v any) int {
	most := -1
	switch v := v.(type) {
	case map[string]any:
		most = 0
		for _, child := range v {
			most = max(most, nesting(child))
		}
	case []any:
		most = 0
		for _, child := range v {
			most = max(most, nesting(child))
		}
	}
	return most + 1
}

// problemsFound lists what a validation found, by the place in the data, at most limit of it and a message that there is
// more.
func problemsFound(found *jsonschema.ValidationError, field string, limit int) InvalidError {
	const sorted = 1000 // more are neither sorted nor counted
	var leaves []*jsonschema.ValidationError
	collect(found, &leaves, sorted)
	slices.SortStableFunc(leaves, func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(slices.Compare(a.InstanceLocation, b.InstanceLocation), strings.Compare(a.SchemaURL, b.SchemaURL))
	})
	var list InvalidError
	for i, leaf := range leaves {
		if i == limit {
			list.add(field, "There are %d problems more", len(leaves)-limit)
			break
		}
		list.add(place(field, leaf.InstanceLocation), "%s (rule %s)",
			plain(upperFirst(ruleWords(leaf)), maxProblemText), plain(rule(leaf), maxProblemText))
	}
	return list
}

// collect gathers the problems that stand behind a problem which only sums up others.
func collect(e *jsonschema.ValidationError, leaves *[]*jsonschema.ValidationError, limit int) {
	switch e.ErrorKind.(type) {
	case *rules.Schema, *rules.Group, *rules.Reference, *rules.AllOf:
		if len(e.Causes) > 0 {
			for _, cause := range e.Causes {
				collect(cause, leaves, limit)
			}
			return
		}
	}
	if len(*leaves) < limit {
		*leaves = append(*leaves, e)
	}
}

// printer writes the validator's words.
var printer = message.NewPrinter(language.English)

// ruleWords says in words which rule is broken.
func ruleWords(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *rules.AnyOf:
		return "this fits none of the alternatives"
	case *rules.OneOf:
		if len(k.Subschemas) > 0 {
			return "this fits more than one of the alternatives"
		}
		return "this fits none of the alternatives"
	case *rules.Not:
		return "this is what must not be"
	}
	return e.ErrorKind.LocalizedString(printer)
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// rule names the rule by its place in the schema: "/properties/score/maximum".
func rule(e *jsonschema.ValidationError) string {
	_, fragment, _ := strings.Cut(e.SchemaURL, "#")
	for _, token := range e.ErrorKind.KeywordPath() {
		fragment += "/" + token
	}
	return cmp.Or(fragment, "/")
}

// place names a place in the data: "data.modules[2].title".
func place(field string, path []string) string {
	var b strings.Builder
	b.WriteString(field)
	for _, token := range path {
		_, err := strconv.Atoi(token)
		switch {
		case err == nil:
			b.WriteString("[" + token + "]")
		case isToken(token):
			b.WriteString("." + token)
		default:
			b.WriteString("[" + strconv.Quote(token) + "]")
		}
	}
	name := strings.TrimPrefix(b.String(), ".")
	if utf8.RuneCountInString(name) > maxProblemText {
		name = string([]rune(name)[:maxProblemText]) + "…"
	}
	return cmp.Or(name, "schema")
}
