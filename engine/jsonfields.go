package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// errNoObject says that a JSON text is no object.
var errNoObject = errors.New("it must be a JSON object")

// jsonLeniency makes the reader take what encoding/json takes.
var jsonLeniency = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// fieldReader is what reading an object needs, to be used again.
type fieldReader struct {
	decoder jsontext.Decoder
	buffer  bytes.Buffer
}

var fieldReaders = sync.Pool{New: func() any { return new(fieldReader) }}

// JSONFields calls each with the fields of a JSON object in the order in which they are written, and judges the syntax
// of the whole text meanwhile: one pass instead of one for each question. name is valid during the call, value is part
// of text. What each returns ends the reading and is returned.
func JSONFields(text []byte, each func(name []byte, value json.RawMessage) error) error {
	r := fieldReaders.Get().(*fieldReader)
	defer fieldReaders.Put(r)
	r.buffer = *bytes.NewBuffer(text)
	r.decoder.Reset(&r.buffer, jsonLeniency...)
	defer func() {
		r.buffer = bytes.Buffer{} // lets go of the text
		r.decoder.Reset(&r.buffer)
	}()
	return readFields(&r.decoder, text, each)
}

func readFields(d *jsontext.Decoder, text []byte, each func(name []byte, value json.RawMessage) error) error {
	open, err := d.ReadToken()
	if err != nil {
		return err
	}
	if open.Kind() != jsontext.KindBeginObject {
		return errNoObject
	}
	var unquoted []byte
	for d.PeekKind() == jsontext.KindString {
		quoted, err := d.ReadValue()
		if err != nil {
			return err
		}
		name := quoted[1 : len(quoted)-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			// The syntax is right; half a surrogate pair becomes U+FFFD, as encoding/json has it.
			unquoted, _ = jsontext.AppendUnquote(unquoted[:0], quoted)
			name = unquoted
		}
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		end := d.InputOffset()
		if err := each(name, text[end-int64(len(value)):end:end]); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil { // the closing brace
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.Join(err, errNoObject)
	}
	return nil
}
