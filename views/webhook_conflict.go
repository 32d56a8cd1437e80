package views

import (
	"maps"
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
	pairs := differentSettings(WebhookSettings(c.Page.Catalog, &c.Mine), WebhookSettings(c.Page.Catalog, &c.Webhook))
	return append(pairs, c.otherSecrets()...)
}

// otherSecrets lists the secrets in which the two differ.
func (c WebhookConflict) otherSecrets() []SettingPair {
	var pairs []SettingPair
	for _, s := range []struct {
		label        string
		mine, theirs engine.Secret
	}{
		{"Password", c.Mine.BasicAuth.Password, c.Webhook.BasicAuth.Password},
		{"Signing secret", c.Mine.Signing.Secret, c.Webhook.Signing.Secret},
		{"Private key", c.Mine.ClientCert.Key, c.Webhook.ClientCert.Key},
	} {
		if s.mine != s.theirs {
			mine := s.mine.String()
			if mine != "" {
				mine += " (another one)"
			}
			pairs = append(pairs, SettingPair{Label: s.label, Mine: mine, Theirs: s.theirs.String()})
		}
	}
	return pairs
}

// hidden are the posted values that Use mine sends again, the version and secrets that were typed left out.
func (c WebhookConflict) hidden() []Option {
	var list []Option
	for _, name := range slices.Sorted(maps.Keys(c.Posted)) {
		if name == "version" || name == "op" || slices.Contains(secretFields, name) && c.typed(name) {
			continue
		}
		for _, value := range c.Posted[name] {
			list = append(list, Option{Label: name, Value: value})
		}
	}
	return list
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
