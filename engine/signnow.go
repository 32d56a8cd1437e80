package engine

import (
	"slices"
	"strings"
	"time"
)

// SignedNow returns a request that was sent for a delivery with the signature that the webhook makes of it at that time,
// in the place of the one that it had: receivers refuse an old timestamp. Everything else stays as it was, secrets
// masked. The error is a Conflict when the webhook was deleted or does not sign.
func SignedNow(w *Webhook, id DeliveryID, sent SentRequest, at time.Time) (SentRequest, error) {
	switch {
	case !w.DeletedAt.IsZero():
		return sent, Conflict("The webhook was deleted.")
	case w.Signing.Secret == "":
		return sent, Conflict("The webhook does not sign its requests.")
	}
	s, err := newSigner(&w.Signing)
	if err != nil {
		return sent, err
	}
	signature := newHeaderFields(2 * 3)
	s.sign(&signature, id.String(), at, sent.Body)
	names := []string{s.header, s.header + previousSuffix}
	for _, n := range []signatureNames{webhookNames, svixNames} {
		names = append(names, n.id, n.timestamp, n.signature)
	}
	kept := slices.DeleteFunc(slices.Clone(sent.Headers), func(line string) bool {
		name, _, _ := strings.Cut(line, ":")
		return slices.Contains(names, name)
	})
	sent.Headers = append(kept, headerLines(signature.Header, func(string) bool { return false })...)
	return sent, nil
}
