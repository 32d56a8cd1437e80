package engine

import "log/slog"

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

// GoString keeps %#v from showing the text.
func (s Secret) GoString() string { return s.String() }

// MarshalText keeps encoders from showing the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps slog from showing the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }
