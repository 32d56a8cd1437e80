package web

import (
	"crypto/rand"
	"net/http"
	"sync"
)

// maxOnce is how many forms are remembered. That is far more than are sent between a form and its repetition.
const maxOnce = 10_000

// onceForms remembers the forms that were sent and must not take effect twice, such as when the page that answered
// one is loaded again. Each form carries a random token.
type onceForms struct {
	mu    sync.Mutex
	seen  map[string]bool
	order []string // of seen, a ring
	next  int
}

func newOnceForms() *onceForms { return &onceForms{seen: map[string]bool{}} }

// token returns the token of a new form.
func (f *onceForms) token() string { return rand.Text() }

// whole reports whether a text can be a token at all.
func (f *onceForms) whole(token string) bool { return len(token) == len(rand.Text()) }

// first reports whether the form with that token is sent for the first time. A form without a token is not.
func (f *onceForms) first(token string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.whole(token) || f.seen[token] {
		return false
	}
	f.seen[token] = true
	if len(f.order) < maxOnce {
		f.order = append(f.order, token)
		return true
	}
	delete(f.seen, f.order[f.next])
	f.order[f.next] = token
	f.next = (f.next + 1) % maxOnce
	return true
}

// takeOnce reports whether a form that must not take effect twice is taken. If not, it leads to a page that says why:
// again to where what it made is found, when it was sent before; anew to the form, when it came without its token.
func (s *Server) takeOnce(w http.ResponseWriter, r *http.Request, anew, again, made string) bool {
	token := r.PostFormValue("token")
	switch {
	case s.onceForms.first(token):
		return true
	case s.onceForms.whole(token):
		s.redirect(w, r, again, "This form was sent before. "+made)
	default:
		s.redirect(w, r, anew, "Nothing was done: the form came without its token. Fill it in here and send it again.")
	}
	return false
}
