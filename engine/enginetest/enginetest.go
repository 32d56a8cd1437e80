// Package enginetest is the test kit of the engine: webhooks, events and lab data that are right as they are and
// that a test changes in the one point it is about, and a receiver that tests wait for.
//
// Only tests import it.
package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"time"

	"labhook/engine"
	"labhook/engine/egress"
)

// Consumer returns an API consumer that passes Validate, with the changes made to it.
func Consumer(changes ...func(*engine.APIConsumer)) engine.APIConsumer {
	now := time.Now()
	c := engine.APIConsumer{
		ID: engine.NewID[engine.ConsumerID](), Name: "Contoso University", Enabled: true,
		CreatedAt: now, UpdatedAt: now, CreatedBy: "test", UpdatedBy: "test",
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

// Webhook returns a webhook that passes Validate, with the changes made to it: it posts the lab details of Scored
// without delay and with three retries, and signs it. Its consumer is not set.
func Webhook(changes ...func(*engine.Webhook)) engine.Webhook {
	now := time.Now()
	w := engine.NewWebhook(0)
	w.ID, w.Name, w.URL = engine.NewID[engine.WebhookID](), "Scores to the LMS", "https://hooks.example.com/lab"
	w.Events = []string{engine.LabScored}
	w.Signing.Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	w.Position, w.Version = 1, 1
	w.CreatedAt, w.UpdatedAt, w.CreatedBy, w.UpdatedBy = now, now, "test", "test"
	for _, change := range changes {
		change(&w)
	}
	return w
}

// Event returns an event for every consumer that passes Prepare, with the changes made to it.
func Event(changes ...func(*engine.Event)) engine.Event {
	e := engine.Event{
		ID: engine.NewID[engine.EventID](), Type: engine.LabScored, Data: LabData(998592321), Source: "test",
	}
	for _, change := range changes {
		change(&e)
	}
	return e
}

// LabData returns the lab details of Studio's documents for the lab instance id.
func LabData(id int64) json.RawMessage {
	return engine.SampleLabDetails().With(map[string]any{"Id": id}).Body()
}

// Loopback is where the receivers of tests listen.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// Guard returns an egress guard that lets loopback through, where the receivers of tests listen, and is otherwise
// as strict as the real one.
func Guard() *egress.Guard { return guard(Loopback) }

// StrictGuard returns an egress guard that lets public addresses through alone.
func StrictGuard() *egress.Guard { return guard(nil) }

// guard returns a guard of a small world: it knows the one name of Webhook, and reaches this host alone.
func guard(allowed []netip.Prefix) *egress.Guard {
	return egress.New(egress.Settings{
		Networks: allowed, Resolver: NewNames(map[string][]string{"hooks.example.com": {HostileHost}}).Resolver(),
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if !netip.MustParseAddrPort(address).Addr().IsLoopback() {
				return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("tests do not leave this host")}
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	})
}
