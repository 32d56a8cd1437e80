package cli

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"labhook/engine"
	"labhook/engine/receiver"
)

// secrets is a flag with secrets that requests may be signed with; it may be given several times.
type secrets []engine.Secret

func (s *secrets) String() string { return "" }

// Set adds a secret.
func (s *secrets) Set(text string) error {
	*s = append(*s, engine.Secret(text))
	return nil
}

// verifier checks the signatures of requests. Without secrets it checks none.
type verifier struct {
	secrets secrets
	header  string // that carries a hex signature of the body; empty: Standard Webhooks
	require bool   // answer 401 to a request that none of the secrets signed
}

// problem says what is wrong with what was asked for; empty: nothing.
func (v *verifier) problem() string {
	if len(v.secrets) == 0 {
		if v.require || v.header != "" {
			return "--require-signature and --signature-header need --secret"
		}
		return ""
	}
	for _, secret := range v.secrets {
		text := secret.Reveal()
		if v.header == "" && !strings.HasPrefix(text, "whsec_") && !strings.HasPrefix(text, "whpk_") {
			return "--secret must begin with whsec_ or whpk_; for another one name the header of the signature with --signature-header"
		}
	}
	return ""
}

// inspect notes on a request whether its signature is right, and refuses it where that is asked for.
func (v *verifier) inspect(req *receiver.Request) {
	if len(v.secrets) == 0 {
		return
	}
	err := v.verify(req)
	if err == nil {
		req.Note = "signature verified"
		return
	}
	req.Note = fmt.Sprintf("signature NOT verified: %s", err)
	if v.require {
		req.Answer = receiver.Answer{Status: http.StatusUnauthorized, Body: req.Note + "\n"}
	}
}

func (v *verifier) verify(req *receiver.Request) error {
	if req.Truncated {
		return fmt.Errorf("the body has more than %d bytes", receiver.DefaultMaxBody)
	}
	var err error
	for _, secret := range v.secrets {
		if err = engine.Verify(secret, v.header, req.Header, req.Body, time.Now()); err == nil {
			return nil
		}
	}
	return err
}
