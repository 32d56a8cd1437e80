package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	// errNoObject says that a JSON text is no object.
	errNoObject = errors.New("it must be a JSON object")
	// errNoList says that a JSON text is no list.
	errNoList = errors.New("it must be a JSON list")
)

// jsonLeniency makes the reader take what encoding/json takes.
var jsonLeniency = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// jsonReader is what reading a text needs, to be used again.
type jsonReader struct {
	decoder jsontext.Decoder
	buffer  bytes.Buffer
}

var jsonReaders = sync.Pool{New: func() any { return new(jsonReader) }}

// JSONFields calls each with the fields of a JSON object in the order in which they are written, and judges the syntax
// of the whole text meanwhile: one pass instead of one for each question. name is valid during the call, value is part
// of text. What each returns ends the reading and is returned.
func JSONFields(text []byte, each func(name []byte, value json.RawMessage) error) error {
	r := jsonReaders.Get().(*jsonReader)
	defer r.forget()
	return readFields(r.read(text), text, each)
}

// JSONList returns the values of a JSON list, each of them a part of text, and judges the syntax of the whole text in the
// same pass.
func JSONList(text []byte) ([]json.RawMessage, error) {
	r := jsonReaders.Get().(*jsonReader)
	defer r.forget()
	return readList(r.read(text), text)
}

// read returns a decoder at the beginning of a text.
func (r *jsonReader) read(text []byte) *jsontext.Decoder {
	r.buffer = *bytes.NewBuffer(text)
	r.decoder.Reset(&r.buffer, jsonLeniency...)
	return &r.decoder
}

// forget lets go of the text.
func (r *jsonReader) forget() {
	r.buffer = bytes.Buffer{}
	r.decoder.Reset(&r.buffer)
	jsonReaders.Put(r)
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
	return readEnd(d, errNoObject)
}

func readList(d *jsontext.Decoder, text []byte) (values []json.RawMessage, err error) {
	open, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	if open.Kind() != jsontext.KindBeginArray {
		return nil, errNoList
	}
	for d.PeekKind() != jsontext.KindEndArray {
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		end := d.InputOffset()
		values = append(values, text[end-int64(len(value)):end:end])
	}
	return values, readEnd(d, errNoList)
}

// readEnd reads what closes an object or a list, behind which nothing may follow: that were another kind of text.
func readEnd(d *jsontext.Decoder, other error) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.Join(err, other)
	}
	return nil
}
