package engine_test

import (
	"net/http"
	"testing"
	"time"

	"labhook/engine"
	"labhook/engine/enginetest"
)

// BenchmarkPartRender makes requests of webhooks in a directory, as the engine does: without and with signatures and tokens.
func BenchmarkPartRender(b *testing.B) {
	unsigned := func(w *engine.Webhook) { w.Signing = engine.Signing{Scheme: engine.SigningNone} }
	tokens := func(w *engine.Webhook) {
		w.URL += "/{id}/{userId}?u=@lab.User.ExternalId"
		w.Headers = []engine.Header{{Name: "X-Lab", Value: "@lab.LabInstance.GlobalId"}, {Name: "X-Tenant", Value: "contoso"}}
		w.SendLabDetails, w.Content = false, `{"user":@lab.User.Id,"name":"@lab.User.FirstName @lab.User.LastName","type":"@event.Type"}`
	}
	with := func(g engine.Signing) func(*engine.Webhook) {
		g.Fill()
		return func(w *engine.Webhook) { w.Signing = g }
	}
	rotating := func(w *engine.Webhook) {
		g, err := w.Signing.Rotate("", time.Hour, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		w.Signing = g
	}
	for _, tt := range []struct {
		name    string
		changes []func(*engine.Webhook)
		event   *engine.Event
	}{
		{"plain", []func(*engine.Webhook){unsigned}, labEvent("")},
		{"data of others", []func(*engine.Webhook){unsigned}, courseEvent(`{"a":1}`)},
		{"v1", nil, labEvent("")},
		{"v1 rotating", []func(*engine.Webhook){rotating}, labEvent("")},
		{"v1a", []func(*engine.Webhook){with(engine.Signing{Scheme: engine.SigningV1a})}, labEvent("")},
		{"hex", []func(*engine.Webhook){with(engine.Signing{Scheme: engine.SigningHex, Header: "X-Sig"})}, labEvent("")},
		{"tokens", []func(*engine.Webhook){unsigned, tokens}, labEvent("")},
		{"tokens v1", []func(*engine.Webhook){tokens}, labEvent("")},
	} {
		b.Run(tt.name, func(b *testing.B) {
			c := enginetest.Consumer()
			w := enginetest.Webhook(append(tt.changes, func(w *engine.Webhook) { w.ConsumerID = c.ID })...)
			render := engine.Renderer(engine.NewDirectory().With(&c, []*engine.Webhook{&w}), &w)
			stamp := engine.Stamp{DeliveryID: engine.NewID[engine.DeliveryID](), Number: 1, At: time.Now(), UserAgent: "Labhook"}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := render(tt.event, stamp); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPartSign signs lab details by each scheme.
func BenchmarkPartSign(b *testing.B) {
	body := []byte(engine.SampleLabDetails().Body())
	for _, scheme := range engine.SigningSchemes {
		b.Run(string(scheme), func(b *testing.B) {
			g := engine.Signing{Scheme: scheme, Header: "X-Sig"}
			g.Fill()
			sign, err := engine.Signer(g)
			if err != nil {
				b.Fatal(err)
			}
			h, id, now := http.Header{}, engine.NewID[engine.DeliveryID]().String(), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				sign(h, id, now, body)
			}
		})
	}
}
