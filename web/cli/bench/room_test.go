package bench

import (
	"strings"
	"testing"
	"time"
)

func TestRoom(t *testing.T) {
	t.Parallel()
	o := Options{Span: time.Second, Rounds: 1, Webhooks: 1, Fanout: 1}
	small := o.bytes()
	o.History = MaxHistory
	large := o.bytes()
	if large-small < MaxHistory*2000 {
		t.Errorf("history takes %d bytes", large-small)
	}
	if free, known := freeBytes(t.TempDir()); known && free <= 0 {
		t.Errorf("%d bytes free", free)
	}
	if err := checkRoom("/tmp", small, small); err != nil {
		t.Error(err)
	}
	err := checkRoom("/tmp", large, small)
	if err == nil || !strings.Contains(err.Error(), "GB in /tmp") || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("error %v", err)
	}
}
