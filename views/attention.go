package views

import (
	"time"

	"labhook/engine"
)

// Attention is something that somebody should look at.
type Attention struct {
	About    Link // the webhook, lab instance or part of the system
	Consumer Link // empty: none
	What     string
	Since    time.Time // zero: unknown
	Next     Link      // what to do; empty: nothing
}

// MaxAttention is how many of them Site Administration lists.
const MaxAttention = 20

// attentionWords says in a sentence how many there are.
func attentionWords(n int) string {
	switch n {
	case 0:
		return "Nothing needs attention."
	case 1:
		return "1 thing needs attention."
	}
	return Number(int64(n)) + " things need attention."
}

// changedWords says who changed a webhook last.
func changedWords(w *engine.Webhook) string {
	if w.UpdatedBy == "" {
		return ""
	}
	return "by " + w.UpdatedBy
}
