package engine

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotFound: no row has that id, or the caller may not see it.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the row changed since the caller read it, or the same key was used for something else.
	ErrConflict = errors.New("conflict")
	// ErrUnwritable: the database cannot be written at the moment, as when the disk is full. Nothing was stored.
	ErrUnwritable = errors.New("the database cannot be written")
	// ErrStopping: the server is shutting down and takes no more work; ask again after the restart.
	ErrStopping = errors.New("the server is stopping")
)

// Conflict is an ErrConflict with a sentence for the person who ran into it.
type Conflict string

// Error returns the sentence.
func (c Conflict) Error() string { return string(c) }

// Is makes it an ErrConflict.
func (c Conflict) Is(target error) bool { return target == ErrConflict }

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

// checkLine adds a message unless a text is one line of at most limit characters.
func (e *InvalidError) checkLine(field, label, value string, limit int) {
	if strings.ContainsAny(value, "\n\r\t") {
		e.add(field, "%s must be one line without tabs", label)
	}
	e.checkText(field, label, value, limit)
}

// checkText adds a message unless a text has at most limit characters and none that cannot be shown.
func (e *InvalidError) checkText(field, label, value string, limit int) {
	if n := utf8.RuneCountInString(value); n > limit {
		e.add(field, "%s may have at most %d characters, this one has %d", label, limit, n)
	}
	switch {
	case !utf8.ValidString(value):
		e.add(field, "%s must be UTF-8 text", label)
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }):
		e.add(field, "%s must not contain control characters", label)
	}
}
