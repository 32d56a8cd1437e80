// Package api is the REST interface: everything under /api/v1, described by the OpenAPI document that it serves.
//
// Place in the flow: it takes events from lab platforms and hands them to engine.Accept, and lets programs read and
// change what the screens show. It calls engine and db; nothing below knows it.
//
// Every request takes the same way: api.go finds its route, auth.go asks for the key that the route needs and reads
// the body up to the route's limit, then the handler of the resource runs. routes.go is the list of all routes with
// what each one needs. Handlers read the body with decode, which knows only shapes: what a value may be is said
// by engine alone. Whatever goes wrong leaves as a problem (problem.go, RFC 9457) that names the field.
//
// Posting an event is a plain handler, for speed and because its data are kept to the byte; all others go through
// huma, which fills in parameters, writes answers and makes the document. A sender may wait there until the blocking
// deliveries of its event have ended: its request then sleeps in engine.Wait and costs no queries meanwhile.
package api

//go:generate go test -run Golden -count=1 . -update
