package engine

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// labToken is a replacement token of Skillable Studio, such as @lab.User.FirstName.
var labToken = regexp.MustCompile(`@lab\.[A-Za-z]+(\.[A-Za-z]+)*`)

// labTokens are the tokens that lab details can fill, by the field that does.
var labTokens = map[string]string{
	"@lab.LabInstance.Id":  "Id",
	"@lab.LabProfile.Id":   "LabProfileId",
	"@lab.User.Id":         "UserId",
	"@lab.User.ExternalId": "UserExternalId",
	"@lab.User.FirstName":  "UserFirstName",
	"@lab.User.LastName":   "UserLastName",
	"@lab.Tag":             "CustomData",
}

// maxTokenValue is how many characters of a value a token gives at most.
const maxTokenValue = 100

// plain returns a text as one line of at most limit characters, with an ellipsis where it was cut.
func plain(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// ReplaceTokens puts the values of an event's lab details in the place of Studio's tokens. A token that they cannot
// fill stays as it is, and so does every token of an event without lab details.
func ReplaceTokens(text string, e *Event) string {
	if kind, ok := Catalog.Find(e.Type); !ok || !kind.LabDetails {
		return text
	}
	lab, err := ParseLabDetails(e.Data)
	if err != nil {
		return text // it was checked when the event was accepted
	}
	return labToken.ReplaceAllStringFunc(text, func(token string) string {
		switch token {
		case "@lab.LabInstance.GlobalId":
			// Studio's documents show "lod" before the id.
			if id := lab.InstanceID(); id != "" {
				return "lod" + id
			}
		case "@lab.LabInstance.StartDate":
			if start, ok := lab.Integer("Start"); ok {
				return time.Unix(start, 0).UTC().Format("20060102")
			}
		default:
			if field, ok := labTokens[token]; ok {
				return plain(lab.Text(field), maxTokenValue)
			}
		}
		return token
	})
}
