package views

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"labhook/engine"
)

// curl is an attempt's request as a command for a POSIX shell.
type curl struct {
	Command string
	// Secrets are the shell variables that stand for what is not shown.
	Secrets []string
	// File is the name of a file that holds the body, as it is too long for the page; empty: the command holds it.
	File   string
	signed bool // with a signature from when it was sent
}

// newCurl writes the request so that curl sends the same: method, path, headers and body. Headers that curl adds by
// itself are taken away where the request did not have them.
func newCurl(a *engine.Attempt) curl {
	var c curl
	host := ""
	if u, err := url.Parse(a.Request.URL); err == nil {
		host = u.Host
	}
	words := []string{"curl --globoff --path-as-is --request " + shellWord(a.Request.Verb)}
	has := map[string]bool{}
	for _, line := range a.Request.Headers {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		lower := strings.ToLower(name)
		has[lower] = true
		c.signed = c.signed || strings.Contains(lower, "signature")
		switch {
		case lower == "content-length", lower == "transfer-encoding", lower == "host" && value == host:
		case value == "":
			words = append(words, "--header "+shellWord(name+";"))
		default:
			words = append(words, "--header "+c.withSecrets(name+": "+value))
		}
	}
	added := []string{"Accept", "User-Agent"}
	body := a.Request.Body
	if len(body) > 0 {
		added = append(added, "Content-Type", "Expect")
	}
	for _, name := range added {
		if !has[strings.ToLower(name)] {
			words = append(words, "--header "+shellWord(name+":"))
		}
	}
	before := ""
	switch {
	case len(body) > bodyShown:
		c.File = fmt.Sprintf("attempt-%d.body", a.Number)
		words = append(words, "--data-binary @"+c.File)
	case len(body) > 0 && plain(body):
		words = append(words, "--data-raw "+shellWord(string(body)))
	case len(body) > 0:
		before = "printf " + printfWord(body) + " | "
		words = append(words, "--data-binary @-")
	case has["content-length"]:
		words = append(words, "--header 'Content-Length: 0'")
	}
	words = append(words, "--url "+c.withSecrets(a.Request.URL))
	c.Command = before + strings.Join(words, " \\\n  ")
	return c
}

// withSecrets is shellWord with a variable in the place of each masked value.
func (c *curl) withSecrets(text string) string {
	parts := strings.Split(text, engine.Mask)
	var word strings.Builder
	for i, part := range parts {
		if i > 0 {
			name := "WEBHOOK_TOKEN"
			if n := len(c.Secrets); n > 0 {
				name = fmt.Sprintf("WEBHOOK_TOKEN_%d", n+1)
			}
			c.Secrets = append(c.Secrets, name)
			word.WriteString(`"$` + name + `"`)
		}
		if part != "" || len(parts) == 1 {
			word.WriteString(shellWord(part))
		}
	}
	return word.String()
}

// secretsNote is note of a command whose signature is new.
func (c curl) secretsNote() string {
	c.signed = false
	return c.note()
}

// note says what is to be known before the command is run.
func (c curl) note() string {
	var notes []string
	if len(c.Secrets) > 0 {
		notes = append(notes, "Set "+strings.Join(c.Secrets, ", ")+" to what is masked above.")
	}
	if c.signed {
		notes = append(notes, "The signature is that of the attempt: its timestamp is old, and receivers may refuse it.")
	}
	if c.File != "" {
		notes = append(notes, "The body is too long for a command: the command reads it from the file "+c.File+".")
	}
	if len(notes) == 0 {
		return "For a POSIX shell."
	}
	return strings.Join(notes, " ")
}

// previewNote is note for a request that was never sent.
func (c curl) previewNote() string {
	c.signed = false
	return c.note()
}

// shellWord quotes text for a POSIX shell: nothing in it is special but the quote itself.
func shellWord(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// plain reports whether a body is text that a page and a clipboard keep as it is.
func plain(body []byte) bool {
	return utf8.Valid(body) && Printable(body) == string(body)
}

// printfWord writes any bytes as the format of printf.
func printfWord(body []byte) string {
	var word strings.Builder
	word.WriteByte('\'')
	for i, c := range body {
		switch {
		case c == '-' && i == 0: // else it is an option
			word.WriteString(`\055`)
		case c == '%':
			word.WriteString("%%")
		case c >= ' ' && c < 0x7f && c != '\'' && c != '\\':
			word.WriteByte(c)
		default:
			fmt.Fprintf(&word, `\%03o`, c)
		}
	}
	word.WriteByte('\'')
	return word.String()
}
