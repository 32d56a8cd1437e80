package views

import (
	"slices"
	"strings"

	"labhook/engine"
)

// WebhookConflict is the page for a webhook that was changed while somebody else edited it.
type WebhookConflict struct {
	Page    Page
	Webhook engine.Webhook // as it is now
	Mine    engine.Webhook // as the form would have it
	// Posted is the form as it was sent, to be sent again.
	Posted map[string][]string
}

// differences lists the settings in which the two differ. Of secrets it says only that they do.
func (c WebhookConflict) differences() []SettingPair {
	return settingPairs(c.Page.Catalog, &c.Mine, &c.Webhook)
}

// settingPairs lists the settings in which two states of a webhook differ. Of secrets it says only that they do.
func settingPairs(catalog *engine.Catalog, mine, other *engine.Webhook) []SettingPair {
	pairs := differentSettings(WebhookSettings(catalog, mine), WebhookSettings(catalog, other))
	return append(pairs, secretPairs(mine, other)...)
}

// secretPairs lists the secrets in which two states of a webhook differ.
func secretPairs(mine, other *engine.Webhook) []SettingPair {
	var pairs []SettingPair
	for _, s := range []struct {
		label        string
		mine, theirs engine.Secret
	}{
		{"Password", mine.BasicAuth.Password, other.BasicAuth.Password},
		{"Signing secret", mine.Signing.Secret, other.Signing.Secret},
		{"Private key", mine.ClientCert.Key, other.ClientCert.Key},
	} {
		if s.mine != s.theirs {
			text := s.mine.String()
			if text != "" {
				text += " (another one)"
			}
			pairs = append(pairs, SettingPair{Label: s.label, Mine: text, Theirs: s.theirs.String()})
		}
	}
	if engine.FormatHeaders(mine.Headers) == engine.FormatHeaders(other.Headers) && !slices.Equal(mine.Headers, other.Headers) {
		pairs = append(pairs, SettingPair{Label: "Headers", Mine: engine.Mask + " (another value)", Theirs: engine.Mask})
	}
	return pairs
}

// hidden are the posted values that Use mine sends again, the version and secrets that were typed left out.
func (c WebhookConflict) hidden() []Option {
	return postedAgain(c.Posted, func(name string) bool {
		return name != "version" && name != "op" && (!slices.Contains(secretFields, name) || !c.typed(name))
	})
}

// retype are the rows for secrets that were typed and are not sent back.
func (c WebhookConflict) retype() []Field {
	f := WebhookForm{ID: c.Webhook.ID}
	var rows []Field
	for _, row := range []Field{f.passwordField(), f.signingSecretField(), f.keyField()} {
		if c.typed(row.ID) {
			row.Hint = retypeMessage(row.ID) + "."
			rows = append(rows, row)
		}
	}
	return rows
}

// typed reports whether something was posted in a secret field that is not to come back.
func (c WebhookConflict) typed(field string) bool {
	text := strings.TrimSpace(strings.Join(c.Posted[field], ""))
	return text != "" && text != engine.Mask
}
