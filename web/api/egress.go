package api

import (
	"context"
	"net/netip"
	"time"

	"labhook/engine"
)

// Egress is the list of addresses that receivers must allow. A network is written with its length, an address without.
type Egress struct {
	UpdatedAt  *time.Time `json:"updated_at" doc:"When the addresses or valid_until changed last; null: none were declared yet"`
	ValidUntil *time.Time `json:"valid_until" doc:"The addresses may change after that; null: not said"`
	Addresses  []string   `json:"addresses" nullable:"false" doc:"Addresses and networks that requests come from, IPv4 first"`
	IPv4       []string   `json:"ipv4" nullable:"false"`
	IPv6       []string   `json:"ipv6" nullable:"false"`
	Aggregated []string   `json:"aggregated" nullable:"false" doc:"The same addresses as the fewest networks"`
}

// EgressOf writes the list in the form of the API.
func EgressOf(l engine.EgressList) Egress {
	out := Egress{
		UpdatedAt: timeOrNull(l.UpdatedAt), ValidUntil: timeOrNull(l.ValidUntil),
		Addresses: []string{}, IPv4: []string{}, IPv6: []string{}, Aggregated: prefixTexts(engine.Aggregate(l.Networks())),
	}
	for _, e := range l.Entries {
		text := engine.PrefixText(e.Network)
		out.Addresses = append(out.Addresses, text)
		if e.Network.Addr().Is4() {
			out.IPv4 = append(out.IPv4, text)
		} else {
			out.IPv6 = append(out.IPv6, text)
		}
	}
	return out
}

func prefixTexts(networks []netip.Prefix) []string {
	texts := make([]string, len(networks))
	for i, p := range networks {
		texts[i] = engine.PrefixText(p)
	}
	return texts
}

// readEgress answers with the addresses that receivers must allow. Every key may read them: whoever owns a receiver
// needs them.
func (s *server) readEgress(ctx context.Context, _ *none) (*answer[Egress], error) {
	list, err := s.Store.Egress(ctx)
	if err != nil {
		return nil, err
	}
	return &answer[Egress]{EgressOf(list)}, nil
}
