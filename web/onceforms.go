package web

import (
	"crypto/rand"
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

// first reports whether the form with that token is sent for the first time. A form without a token is not.
func (f *onceForms) first(token string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(token) != len(rand.Text()) || f.seen[token] {
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
