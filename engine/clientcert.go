package engine

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"time"

	"labhook/engine/egress"
)

// MaxClientCert is how long a client certificate with its chain may be, and its key, in bytes of PEM text.
const MaxClientCert = 32 << 10

// identity returns the client certificate as the way out knows it.
func (c ClientCert) identity() egress.Identity {
	return egress.Identity{Certificate: c.Certificate, Key: c.Key.Reveal()}
}

// wire returns what sends the webhook's requests. The error says why its client certificate cannot be used.
func (e *Engine) wire(w *Webhook) (http.RoundTripper, error) {
	if e.client == nil || w.ClientCert == (ClientCert{}) {
		return e.transport, nil
	}
	transport, err := e.client.As(w.ClientCert.identity())
	if err != nil {
		return nil, fmt.Errorf("use the client certificate: %w", err)
	}
	return transport, nil
}

// dropIdentities closes the connections under client certificates that no webhook in use has any more.
func (e *Engine) dropIdentities() {
	if e.client == nil {
		return
	}
	dir := e.store.Directory()
	e.client.Retain(func(id egress.Identity) bool {
		for _, w := range dir.webhooks {
			if w.Enabled && w.ClientCert.Certificate == id.Certificate && w.ClientCert.identity() == id {
				return true
			}
		}
		return false
	})
}

// checkClientCert adds messages unless certificate and key are PEM, belong together and are of use.
func (w *Webhook) checkClientCert(bad *InvalidError) {
	const certificate, key = "client_cert.certificate", "client_cert.key"
	c := w.ClientCert
	if c == (ClientCert{}) {
		return
	}
	before := len(*bad)
	checkPEM(bad, certificate, "certificate", c.Certificate, "CERTIFICATE")
	checkPEM(bad, key, "key", c.Key.Reveal(), "PRIVATE KEY")
	if len(*bad) > before {
		return
	}
	pair, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.Key.Reveal()))
	switch {
	case err != nil && strings.Contains(err.Error(), "does not match"):
		bad.add(key, "The key is not the one of the certificate; give both of one pair")
	case err != nil && strings.Contains(err.Error(), "private key"):
		bad.add(key, "The key cannot be read; give it as PEM text, PKCS #8, PKCS #1 or SEC 1, and without a passphrase")
	case err != nil:
		bad.add(certificate, "The certificate cannot be read; give it as PEM text, followed by those between it and its authority")
	case pair.Leaf.NotAfter.Before(time.Now()):
		bad.add(certificate, "The certificate expired on %s; give one that is valid", pair.Leaf.NotAfter.UTC().Format(time.DateOnly))
	case !strings.HasPrefix(strings.ToLower(w.URL), "https:"):
		bad.add(certificate, "A client certificate needs a URL that starts with https://")
	}
}

// checkPEM adds a message unless the text holds a PEM block whose type ends in kind. name is what people call it.
func checkPEM(bad *InvalidError, field, name, text, kind string) {
	switch {
	case text == "":
		bad.add(field, "Give the certificate and its key together, or neither")
		return
	case len(text) > MaxClientCert:
		bad.add(field, "The %s may have at most %d bytes, this one has %d", name, MaxClientCert, len(text))
		return
	}
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			bad.add(field, "The %s must be PEM text with a line -----BEGIN %s-----", name, kind)
			return
		}
		if strings.HasSuffix(block.Type, kind) {
			if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
				bad.add(field, "The key is protected by a passphrase; give it without one")
			}
			return
		}
	}
}
