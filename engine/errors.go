package engine

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotFound: no row has that id, or the caller may not see it.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the row changed since the caller read it, or the same key was used for something else.
	ErrConflict = errors.New("conflict")
	// ErrStopping: the server is shutting down and takes no more work; ask again after the restart.
	ErrStopping = errors.New("the server is stopping")
)

// Invalid says what is wrong with one field and how to mend it.
type Invalid struct {
	// Field is the name as the API spells it, with a path where it is nested: "url", "headers[2]", "data.UserId".
	Field string
	// Message is a sentence for the person who sent it, without a full stop at the end.
	Message string
}

// InvalidError is all that is wrong with one input. Nothing was changed.
type InvalidError []Invalid

// Error joins the messages for logs and the command line.
func (e InvalidError) Error() string {
	parts := make([]string, len(e))
	for i, f := range e {
		parts[i] = f.Field + ": " + f.Message
	}
	return strings.Join(parts, "; ")
}

// add appends a message about field.
func (e *InvalidError) add(field, format string, args ...any) {
	*e = append(*e, Invalid{Field: field, Message: fmt.Sprintf(format, args...)})
}

// orNil returns e as an error, nil when it is empty.
func (e InvalidError) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// checkText adds a message when a text is longer than limit characters or holds control characters.
func (e *InvalidError) checkText(field, label, value string, limit int) {
	if n := len([]rune(value)); n > limit {
		e.add(field, "%s may have at most %d characters, this one has %d", label, limit, n)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f }) {
		e.add(field, "%s must not contain control characters", label)
	}
}
