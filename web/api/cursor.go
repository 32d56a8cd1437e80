package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"

	"labhook/engine"
)

// A cursor marks a place in a list: a version, the list, the id of the row there, and a sum that finds out what was
// put together by hand or cut off. It gives no rights, so it is not signed: whatever it marks, a list shows what the
// key sees.
const (
	cursorVersion = 1
	cursorBytes   = 1 + 1 + 8 + cursorSum
	cursorSum     = 4
)

// listKind tells the lists apart, so that a cursor of one is not taken for one of another.
type listKind byte

// The lists that have cursors.
const (
	consumerList listKind = 'c'
	webhookList  listKind = 'w'
	eventList    listKind = 'e'
	deliveryList listKind = 'd'
)

// cursor returns the cursor of a row.
func (k listKind) cursor(id int64) string {
	raw := append(make([]byte, 0, cursorBytes), cursorVersion, byte(k))
	raw = binary.BigEndian.AppendUint64(raw, uint64(id))
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(append(raw, sum[:cursorSum]...))
}

// read returns the id in a cursor, zero for an empty text.
func (k listKind) read(bad *engine.InvalidError, field, text string) int64 {
	if text == "" {
		return 0
	}
	if raw, err := base64.RawURLEncoding.DecodeString(text); err == nil && len(raw) == cursorBytes {
		if id := int64(binary.BigEndian.Uint64(raw[2:])); id > 0 && k.cursor(id) == text {
			return id
		}
	}
	*bad = append(*bad, invalid(field, "%s is no cursor of this list; take it from next or from the header Link of an answer, as it is", field)...)
	return 0
}

// readCursors reads the two cursors of a list, of which at most one is given.
func (k listKind) readCursors(bad *engine.InvalidError, before, after string) (beforeID, afterID int64) {
	if before != "" && after != "" {
		*bad = append(*bad, invalid("after", "Send before or after, not both")...)
	}
	return k.read(bad, "before", before), k.read(bad, "after", after)
}

// links is the header Link of a part of a list (RFC 8288).
type links []string

// add puts in the address of another part: that of this one with the parameter in place of its cursors.
func (l *links) add(u *url.URL, rel, parameter, cursor string) {
	query := u.Query()
	query.Del("before")
	query.Del("after")
	if parameter != "" {
		query.Set(parameter, cursor)
	}
	target := url.URL{Path: u.Path, RawQuery: query.Encode()}
	*l = append(*l, "<"+target.String()+`>; rel="`+rel+`"`)
}

func (l links) String() string { return strings.Join(l, ", ") }
