package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// ID names one row. It is an integer so that it can be the primary key itself: 43 bits of
// milliseconds since 2025 and 20 bits that start at random and count up, so ids sort by the time
// they were made and two installations hardly ever choose the same one. Outside it is written as
// a prefix that tells the kind, followed by 13 lower-case letters and digits ("evt_01jc9xw2m4t7k").
type ID[K kind] int64

// kind gives an ID its prefix, so that a webhook's id cannot be passed for an event's.
type kind interface{ prefix() string }

type (
	consumerKind struct{}
	keyKind      struct{}
	webhookKind  struct{}
	eventKind    struct{}
	deliveryKind struct{}
	attemptKind  struct{}
	userKind     struct{}
	recoveryKind struct{}
)

func (consumerKind) prefix() string { return "con_" }
func (keyKind) prefix() string      { return "key_" }
func (webhookKind) prefix() string  { return "wh_" }
func (eventKind) prefix() string    { return "evt_" }
func (deliveryKind) prefix() string { return "dlv_" }
func (attemptKind) prefix() string  { return "att_" }
func (userKind) prefix() string     { return "usr_" }
func (recoveryKind) prefix() string { return "rec_" }

// The kinds of ids.
type (
	ConsumerID = ID[consumerKind]
	KeyID      = ID[keyKind]
	WebhookID  = ID[webhookKind]
	EventID    = ID[eventKind]
	DeliveryID = ID[deliveryKind]
	AttemptID  = ID[attemptKind]
	UserID     = ID[userKind]
	RecoveryID = ID[recoveryKind]
)

// idAlphabet is Crockford's base 32: no letters that look like digits, order kept.
const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// idDigits is how many letters an id has after its prefix: 13 × 5 bits hold 63.
const idDigits = 13

// idEpoch is where the milliseconds of an ID start; 43 bits last until the year 2303.
var idEpoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// String returns the id as users and receivers see it, "" for zero.
func (id ID[K]) String() string {
	if id == 0 {
		return ""
	}
	var (
		k    K
		room [24]byte // more than any prefix and the digits
	)
	out := room[:len(k.prefix())+idDigits]
	digits := out[copy(out, k.prefix()):]
	for i, v := idDigits-1, uint64(id); i >= 0; i, v = i-1, v>>5 {
		digits[i] = idAlphabet[v&31]
	}
	return string(out)
}

// Time returns when the id was made, to the millisecond.
func (id ID[K]) Time() time.Time {
	return idEpoch.Add(time.Duration(id>>20) * time.Millisecond)
}

// MarshalText writes the id as String does.
func (id ID[K]) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what String writes; the empty text is zero.
func (id *ID[K]) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = 0
		return nil
	}
	v, err := ParseID[ID[K]](string(text))
	*id = v
	return err
}

// ParseID reads an id as String writes it: ParseID[EventID](text). The error says which form is expected.
func ParseID[T ID[K], K kind](s string) (T, error) {
	var k K
	digits, ok := strings.CutPrefix(s, k.prefix())
	if !ok || len(digits) != idDigits {
		return 0, fmt.Errorf("%q is not an id of the form %s followed by %d letters and digits", s, k.prefix(), idDigits)
	}
	var v uint64
	for i := range len(digits) {
		d := strings.IndexByte(idAlphabet, digits[i])
		if d < 0 || i == 0 && d > 7 {
			return 0, fmt.Errorf("%q is not an id: unexpected %q", s, digits[i])
		}
		v = v<<5 | uint64(d)
	}
	if v == 0 {
		return 0, fmt.Errorf("%q is not an id", s)
	}
	return T(v), nil
}

// lastID is the newest id made by this process, whatever its kind.
var lastID struct {
	sync.Mutex
	v int64
}

// NewID returns an id larger than all that this process made before, also when the clock steps back: NewID[EventID]().
func NewID[T ID[K], K kind]() T {
	ms := time.Since(idEpoch).Milliseconds()
	// The random part leaves its upper half free, so that a burst counts up without reaching the next millisecond.
	v := ms<<20 | rand.Int64N(1<<19)
	lastID.Lock()
	defer lastID.Unlock()
	lastID.v = max(v, lastID.v+1)
	return T(lastID.v)
}

// IDAt returns a number that is not larger than any id made at t or later, and larger than those made before the
// millisecond of t, so that a time bounds a list that is ordered by id.
func IDAt(t time.Time) int64 {
	const last = 1<<43 - 1 // what the id's milliseconds can hold
	return min(max(0, t.Sub(idEpoch).Milliseconds()), last) << 20
}

// TimeOfID returns the time at which an id was made, to the millisecond.
func TimeOfID(id int64) time.Time { return idEpoch.Add(time.Duration(id>>20) * time.Millisecond) }

// PassID makes every later NewID larger than id. The store calls it once with the newest id on disk.
func PassID(id int64) {
	lastID.Lock()
	defer lastID.Unlock()
	lastID.v = max(lastID.v, id)
}
