package engine

import (
	"fmt"
	"io"
	"log/slog"
)

// Mask is what stands for a secret wherever a person or a log may read.
const Mask = "••••"

// Secret is text that must not be shown: every way of printing it gives Mask, only Reveal gives the text.
type Secret string

// String returns Mask, or "" for the empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Mask
}

// Format keeps every verb from showing the text, wrong ones too: %d would print it within its complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText keeps encoders from showing the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps slog from showing the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }
