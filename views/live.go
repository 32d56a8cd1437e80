package views

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/a-h/templ"
)

// Live is a section that keeps itself up to date: with each live tick it asks url, which must answer the same page,
// and morphs into what changed. Its children are its content; label names it for screen readers. It is the
// templ.Fragment id, and it carries the hash of its content, so that the server can answer 204 when a poll finds
// nothing new. Content that is on its way asks for the faster pace with an element data-live="fast".
//
// The hash stands in the opening tag and depends on what follows, which a template cannot write.
func Live(id, url, label string) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		children := templ.GetChildren(ctx)
		section := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			var content bytes.Buffer
			if err := children.Render(ctx, &content); err != nil {
				return err
			}
			sum := sha256.Sum256(content.Bytes())
			_, err := fmt.Fprintf(w, `<section id="%s" aria-label="%s" hx-get="%s" hx-trigger="live:tick from:body" hx-swap="outerMorph" %s>%s</section>`,
				templ.EscapeString(id), templ.EscapeString(label), templ.EscapeString(url), etagAttribute(hex.EncodeToString(sum[:8])), content.Bytes())
			return err
		})
		return templ.Fragment(id).Render(templ.WithChildren(templ.ClearChildren(ctx), section), w)
	})
}

// etagAttribute is how a live section carries the hash of its content.
func etagAttribute(hash string) string { return `data-etag="` + hash + `"` }

// Unchanged reports whether html is a live section whose content has that hash.
func Unchanged(html []byte, hash string) bool {
	tag, _, _ := bytes.Cut(html, []byte(">"))
	return hash != "" && bytes.Contains(tag, []byte(etagAttribute(hash)))
}
