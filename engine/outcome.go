package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"labhook/engine/egress"
)

// FailureClass groups failed attempts by what went wrong. Empty: nothing did.
type FailureClass string

// The failure classes.
const (
	ClassDNS      FailureClass = "dns"      // the host's name could not be resolved
	ClassRefused  FailureClass = "refused"  // nobody listens at the address, it cannot be reached, or the proxy refused
	ClassReset    FailureClass = "reset"    // the connection broke
	ClassTLS      FailureClass = "tls"      // no secure connection, or a certificate that is not trusted
	ClassTimeout  FailureClass = "timeout"  // not done within the webhook's timeout
	ClassBlocked  FailureClass = "blocked"  // the egress guard refused the address; no request left the host
	ClassRedirect FailureClass = "redirect" // the answer sends elsewhere, which is never followed
	ClassStatus   FailureClass = "status"   // the answer's status is not a success
	ClassBody     FailureClass = "body"     // the answer broke off or is no HTTP
	ClassRequest  FailureClass = "request"  // the request could not be made from the webhook's settings
)

// FailureClasses lists them.
var FailureClasses = []FailureClass{
	ClassStatus, ClassRedirect, ClassTimeout, ClassRefused, ClassReset, ClassDNS, ClassTLS, ClassBlocked, ClassBody, ClassRequest,
}

// OutcomeKind is what follows from an attempt.
type OutcomeKind string

// The kinds of outcome.
const (
	OutcomeDelivered   OutcomeKind = "delivered"
	OutcomeRetry       OutcomeKind = "retry"
	OutcomeGiveUp      OutcomeKind = "give_up"
	OutcomeInterrupted OutcomeKind = "interrupted" // the server stopped; not recorded, not counted
)

// Outcome is what came of an attempt. A failed attempt is an outcome, not an error.
type Outcome struct {
	Kind  OutcomeKind
	Class FailureClass
	// Error says what went wrong in the words of the network layer; empty for ClassStatus and success.
	Error string
	// RetryAt is when the next attempt is due, for OutcomeRetry.
	RetryAt time.Time
	// Deactivate says why the webhook is to be deactivated with this attempt, unless someone changed it meanwhile; empty:
	// it is not. It is not kept with the attempt.
	Deactivate DeactivateReason
}

// errInterrupted is the cause of a context that a shutdown cancelled.
var errInterrupted = errors.New("interrupted by shutdown")

// Classify tells the failure class of an attempt under a policy: err is what the HTTP client or the reading of the body
// returned, status the answer's status, 0 for none.
func Classify(p *RetryPolicy, err error, status int) FailureClass {
	if err == nil {
		switch {
		case p.Succeeded(status):
			return ""
		case status >= 300 && status <= 399:
			return ClassRedirect
		}
		return ClassStatus
	}
	var (
		dns     *net.DNSError
		blocked *egress.BlockedError
		timeout net.Error
		op      *net.OpError
	)
	switch {
	case errors.As(err, &blocked):
		return ClassBlocked
	case errors.Is(err, context.DeadlineExceeded):
		return ClassTimeout
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return ClassRefused // whatever the proxy said or did, no receiver was reached
	case errors.As(err, &dns):
		return ClassDNS
	case isTLSError(err):
		return ClassTLS
	case errors.As(err, &timeout) && timeout.Timeout():
		return ClassTimeout
	case errors.As(err, &op) && op.Op == "dial" && !errors.Is(err, syscall.ECONNRESET):
		return ClassRefused
	case errors.As(err, &op), errors.Is(err, net.ErrClosed):
		return ClassReset
	case status != 0, hasText(err, "PROTOCOL_ERROR") && !hasText(err, "received from peer"):
		return ClassBody
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), hasText(err, "server closed idle connection", "http2: ", "stream error: "):
		return ClassReset
	}
	return ClassBody
}

// isTLSError reports whether err came from making or keeping a connection secure.
func isTLSError(err error) bool {
	var (
		cert   *tls.CertificateVerificationError
		record tls.RecordHeaderError
		op     *net.OpError
	)
	switch {
	case errors.As(err, &cert), errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return true
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return true // an alert, from the receiver or to it
	}
	return hasText(err, "tls: ")
}

// hasText reports whether one of the texts stands in the error's message: package net/http and crypto/tls give some
// of their errors no type that could be asked for.
func hasText(err error, texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// Change returns the step of the state machine that the outcome is.
func (o Outcome) Change(now time.Time, status int) Change {
	c := Change{Now: now, Class: o.Class, Status: status, DueAt: o.RetryAt}
	switch o.Kind {
	case OutcomeDelivered:
		c.Step = StepDeliver
	case OutcomeRetry:
		c.Step = StepRetry
	case OutcomeGiveUp:
		c.Step = StepFail
	default:
		c.Step = StepInterrupt
	}
	return c
}

// Advice says in a sentence what to look at when an attempt failed in this way; status is the answer's, 0 for none.
func (c FailureClass) Advice(status int) string {
	switch c {
	case ClassDNS:
		return "The host name could not be resolved. Check its spelling and that this server's name servers know it."
	case ClassRefused:
		return "Nothing accepted the connection. Check the port, that the receiver runs, and that its firewall lets this host in."
	case ClassReset:
		return "The receiver or something between closed the connection before it answered."
	case ClassTLS:
		return "No secure connection could be made. Check the receiver's certificate: its name, its issuer and its end date."
	case ClassTimeout:
		return "No complete answer came within the timeout. Let the receiver answer first and work later, or raise the timeout."
	case ClassBlocked:
		return "Labhook refused to send this. If it is meant to be sent, ask the operator for the setting that the error names."
	case ClassBody:
		return "The answer broke off or was not HTTP. Check what listens there, and proxies in between."
	case ClassRequest:
		return "The request could not be made from the webhook's settings."
	case ClassRedirect:
		return "The receiver sends elsewhere, which is never followed. Enter the final URL; the answer names it in its Location header."
	case ClassStatus:
		switch {
		case status == http.StatusUnauthorized || status == http.StatusForbidden:
			return "The receiver did not accept the credentials. Check the Authorization header."
		case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
			return "The receiver does not know this URL or verb. Check both."
		case status == http.StatusUnsupportedMediaType:
			return "The receiver does not take this content type."
		case status == http.StatusTooManyRequests:
			return "The receiver asked for fewer requests."
		case status >= 500:
			return "The receiver failed. Its own log should say why."
		}
		return fmt.Sprintf("The receiver answered %d, which is not a success.", status)
	}
	return ""
}
