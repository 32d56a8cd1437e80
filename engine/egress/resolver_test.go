package egress_test

import (
	"context"
	"encoding/binary"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

var quiet = log.New(io.Discard, "", 0)

// TestMain gives the tests a resolver of their own, so that none asks the network.
func TestMain(m *testing.M) {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerDNS(server)
		return client, nil
	}}
	os.Exit(m.Run())
}

// answerDNS answers that every name is 127.0.0.1, and both.test also a private address.
func answerDNS(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		var msg dnsmessage.Message
		if err := msg.Unpack(question); err != nil {
			return
		}
		msg.Response, msg.Authoritative, msg.Additionals = true, true, nil
		name := msg.Questions[0].Name
		if msg.Questions[0].Type == dnsmessage.TypeA {
			head := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}
			msg.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
			if strings.HasPrefix(name.String(), "both.") {
				msg.Answers = append(msg.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: [4]byte{10, 0, 0, 1}}})
			}
		}
		answer, err := msg.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}
