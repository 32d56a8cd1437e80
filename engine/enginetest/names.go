package enginetest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// Names is a name server for tests. It knows the names it was given and no others, and nobody asks the network.
type Names struct {
	mu    sync.Mutex
	zone  map[string][]string
	asked map[string]int
}

// NewNames returns a name server. Each name has its answers in turn, the last one for good: a rebinding name has two.
// An answer is addresses separated by spaces, "cname" and another name, "silence" for none at all, or empty for a name
// without addresses. Names have no dot at the end.
func NewNames(zone map[string][]string) *Names {
	return &Names{zone: maps.Clone(zone), asked: map[string]int{}}
}

// Resolver returns a resolver that asks this server alone.
func (n *Names) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
}

// Asked returns how often the addresses of a name were asked for.
func (n *Names) Asked(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return max(n.asked[name+dnsmessage.TypeA.String()], n.asked[name+dnsmessage.TypeAAAA.String()])
}

// serve answers the questions of one connection.
func (n *Names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		answer, err := n.answer(conn)
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// errSilence ends a connection whose question gets no answer, once the other side has given up.
var errSilence = errors.New("no answer")

// answer reads one question and returns its answer.
func (n *Names) answer(conn net.Conn) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	question := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return nil, err
	}
	var msg dnsmessage.Message
	if err := msg.Unpack(question); err != nil {
		return nil, err
	}
	msg.Response, msg.Authoritative, msg.Additionals = true, true, nil
	q := msg.Questions[0]
	text, known := n.next(strings.TrimSuffix(strings.ToLower(q.Name.String()), "."), q.Type)
	if text == "silence" {
		_, _ = io.Copy(io.Discard, conn)
		return nil, errSilence
	}
	if !known {
		msg.RCode = dnsmessage.RCodeNameError
	}
	name := q.Name
	for text != "" {
		target, isAlias := strings.CutPrefix(text, "cname ")
		if !isAlias {
			msg.Answers = append(msg.Answers, records(name, q.Type, text)...)
			break
		}
		alias, err := dnsmessage.NewName(target + ".")
		if err != nil {
			return nil, err
		}
		msg.Answers = append(msg.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.CNAMEResource{CNAME: alias},
		})
		name = alias
		text, _ = n.next(target, q.Type)
	}
	return msg.Pack()
}

// next returns the answer for a name whose turn it is.
func (n *Names) next(name string, kind dnsmessage.Type) (answer string, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	answers := n.zone[name]
	if len(answers) == 0 {
		return "", false
	}
	key := name + kind.String()
	turn := min(n.asked[key], len(answers)-1)
	n.asked[key]++
	return answers[turn], true
}

// records returns the addresses among those listed that are of the kind asked for.
func records(name dnsmessage.Name, kind dnsmessage.Type, list string) []dnsmessage.Resource {
	var found []dnsmessage.Resource
	head := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}
	for text := range strings.FieldsSeq(list) {
		addr := netip.MustParseAddr(text)
		switch {
		case addr.Is4() && kind == dnsmessage.TypeA:
			found = append(found, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && kind == dnsmessage.TypeAAAA:
			found = append(found, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	return found
}
