package engine

import (
	"bytes"
	"encoding/json"
	"errors"
)

var (
	// errNoObject says that a JSON text is no object.
	errNoObject = errors.New("it must be a JSON object")
	// errNoList says that a JSON text is no list.
	errNoList = errors.New("it must be a JSON list")
	// errNoJSON says that a text is no JSON. JSONProblem says why, and where.
	errNoJSON = errors.New("it is not JSON")
)

// JSONFields calls each with the fields of a JSON object in the order in which they are written, and judges the syntax
// of the whole text meanwhile: one pass instead of one for each question. It takes what encoding/json takes; whether the
// text is UTF-8 it does not ask. name is valid during the call, value is part of text. What each returns ends the
// reading and is returned.
func JSONFields(text []byte, each func(name []byte, value json.RawMessage) error) error {
	s := jsonScanner{text: text, depth: 1}
	if !s.take('{') {
		return errNoObject
	}
	for more := !s.take('}'); more; {
		name, ok := s.name()
		if !ok {
			return errNoJSON
		}
		s.next()
		from := s.at
		if !s.value() {
			return errNoJSON
		}
		if err := each(fieldName(name), text[from:s.at:s.at]); err != nil {
			return err
		}
		if more = s.take(','); !more && !s.take('}') {
			return errNoJSON
		}
	}
	return s.end()
}

// JSONList returns the values of a JSON list, each of them a part of text, and judges the syntax of the whole text in the
// same pass.
func JSONList(text []byte) (values []json.RawMessage, err error) {
	s := jsonScanner{text: text, depth: 1}
	if !s.take('[') {
		return nil, errNoList
	}
	for more := !s.take(']'); more; {
		s.next()
		from := s.at
		if !s.value() {
			return nil, errNoJSON
		}
		values = append(values, text[from:s.at:s.at])
		if more = s.take(','); !more && !s.take(']') {
			return nil, errNoJSON
		}
	}
	return values, s.end()
}

// fieldName returns what a name in quotes says.
func fieldName(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var name string
	_ = json.Unmarshal(quoted, &name) // the syntax is right
	return []byte(name)
}
