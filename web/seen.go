package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"labhook/engine"
	"labhook/views"
)

// seenField is the hidden field of a form with the mark of what the form was opened with. A form whose mark is no
// longer that of what is stored is a conflict: somebody else saved meanwhile. A mark of the values serves better than a
// count of changes: a change of something that the form does not show is in nobody's way.
const seenField = "seen"

// seenMark is the mark of what a form shows. It tells nothing of the values.
func seenMark(shown any) string {
	text, err := json.Marshal(shown)
	if err != nil {
		panic(err) // forms show texts, numbers and times
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// seenConsumer is the mark of what the form of an API consumer shows.
func seenConsumer(c engine.APIConsumer) string {
	stamps := engine.APIConsumer{}
	c.CreatedAt, c.CreatedBy, c.UpdatedAt, c.UpdatedBy = stamps.CreatedAt, stamps.CreatedBy, stamps.UpdatedAt, stamps.UpdatedBy
	c.Expires = c.Expires.UTC()
	return seenMark(c)
}

// seenUser is the mark of what an administrator's form of a user shows.
func seenUser(u engine.User) string { return seenMark([]string{u.Name, string(u.Role)}) }

// seenEventType is the mark of what the form of an event type shows.
func seenEventType(entered engine.OwnEventType) string { return seenMark(entered) }

// conflict answers with both sides. The form may be posted again with the fields of these names, and no others: what else
// was posted is not sent back.
func (s *Server) conflict(w http.ResponseWriter, r *http.Request, c views.Conflict, fields ...string) {
	c.Posted = map[string][]string{}
	for _, name := range fields {
		if values, ok := r.PostForm[name]; ok {
			c.Posted[name] = values
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	s.render(w, r, http.StatusConflict, views.Conflicted(c))
}
