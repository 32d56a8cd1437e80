package engine

import (
	"crypto/tls"
	"time"
)

// Limits of what is kept of an attempt.
const (
	// MaxAnswerBody is how much of an answer's body is read and kept, in bytes. The reading stops there.
	MaxAnswerBody = 16 << 10
	// MaxAnswerHeaders is how many bytes of header lines an answer may have, and are kept.
	MaxAnswerHeaders = 16 << 10
	// MaxReasonPhrase is how much of an answer's reason phrase is kept, in bytes.
	MaxReasonPhrase = 200
	// MaxErrorText is how much of a network error's text is kept, in bytes.
	MaxErrorText = 500
)

// Attempt is one HTTP request and what came of it.
type Attempt struct {
	ID         AttemptID
	DeliveryID DeliveryID
	Number     int // from 1
	Trigger    Trigger
	StartedAt  time.Time
	// WebhookVersion is the version of the webhook whose settings were used.
	WebhookVersion int
	Request        SentRequest
	Answer         *Answer // nil: no answer came
	Outcome        Outcome
	Timings        Timings
	BodyGoneAt     time.Time // when retention deleted the bodies of request and answer; zero: they are there
	RemoteAddr     string    // address and port that was connected to; empty: none
	Secure         Secure
	// Unfilled are the tokens that nothing could fill and that were sent as they stand.
	Unfilled []string
}

// SentRequest is the request as it went out, secrets masked.
type SentRequest struct {
	Verb string
	URL  string
	// Headers are the header lines in the order of the wire, "Name: value", sensitive values masked.
	Headers []string
	Body    []byte
}

// Answer is what the receiver answered.
type Answer struct {
	Proto      string // "HTTP/1.1"
	StatusCode int
	Reason     string // phrase after the code, in the receiver's words; empty in HTTP/2
	// Headers are the header lines sorted by name, "Name: value", Set-Cookie masked.
	Headers   []string
	Body      []byte // at most MaxAnswerBody
	Truncated bool   // the body went on
}

// Timings are how long the parts of an attempt took, in microseconds. A part that did not happen is 0:
// a connection that was used again has no DNS, Connect and TLS.
type Timings struct {
	DNS, Connect, TLS int64
	// Sent is from the connection being ready to the request being written; 0 in attempts of which that was not noted.
	Sent int64
	// Wait is from the connection being ready to the first byte of the answer, Sent included.
	Wait int64
	// Body is the reading of the answer's body.
	Body  int64
	Total int64
	// Reused: the connection was opened by an earlier attempt.
	Reused bool
}

// Secure is what is known of an attempt's TLS connection; zero: it had none.
type Secure struct {
	// Version is that of TLS, as package crypto/tls numbers it; 0: none was agreed on.
	Version uint16
	// CertificateEnds is when the certificate that the receiver showed ends, also of one that was not trusted; zero: it
	// showed none.
	CertificateEnds time.Time
}

// VersionName returns the version in words, "TLS 1.3"; "" for none.
func (s Secure) VersionName() string {
	if s.Version == 0 {
		return ""
	}
	return tls.VersionName(s.Version)
}

// Duration returns how long the attempt took.
func (a *Attempt) Duration() time.Duration { return time.Duration(a.Timings.Total) * time.Microsecond }
