package web

import (
	"strconv"
	"testing"

	"labhook/engine"
)

// What Site Administration counts as waiting and retrying is what its links list, and what the quick links of the list call so.
func TestWaitingMeansTheSameEverywhere(t *testing.T) {
	t.Parallel()
	b := setupLab(t, engine.RoleViewer)
	b.closeGate() // with three deliveries held behind it
	hook := b.addWebhook(b.gate.ConsumerID, "Counter")
	b.addDelivery(&hook)
	b.record(b.addDelivery(&hook), engine.OutcomeRetry, engine.ClassStatus)
	b.record(b.addDelivery(&hook), engine.OutcomeGiveUp, engine.ClassStatus)
	want := map[string]int{"Waiting": 5, "Retrying": 1}
	for word, n := range want {
		tile := b.get("/admin").doc.Find(".stat:contains('" + word + " now')")
		if got := line(tile); got != word+" now "+strconv.Itoa(n) {
			t.Errorf("the tile says %q, want %d %s", got, n, word)
		}
		list := b.get(tile.Find("a").AttrOr("href", ""))
		if rows := list.doc.Find("tbody tr").Length(); rows != n {
			t.Errorf("%s: the tile leads to %d rows, want %d", word, rows, n)
		}
		if current := list.text("a.button[aria-current='true']"); current != word {
			t.Errorf("%s: the quick link of what the tile leads to is %q", word, current)
		}
	}
}
