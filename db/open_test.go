package db

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"labhook/engine"
)

func TestOpenMakesPrivateFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a directory with a ? and a %20", "data")
	s := open(t, Options{Dir: dir, Exclusive: true, Synchronous: "FULL"})
	must(t, s.SetSetting(t.Context(), "key", "value"))
	for _, name := range []string{".", fileName, fileName + "-wal", fileName + "-shm", keyFileName, lockFileName} {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s, others may read it", name, info.Mode())
		}
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 5 {
		t.Errorf("the directory holds %v, want 5 files", left)
	}
	version, err := s.Version(t.Context())
	must(t, err)
	if version != 1 {
		t.Errorf("schema %d, want 1", version)
	}
	size, err := s.Size()
	must(t, err)
	if size <= 0 {
		t.Errorf("size %d", size)
	}
}

func TestReopenKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir, Synchronous: "OFF"})
	must(t, err)
	b := &bench{Store: s}
	b.consumer = b.newConsumer(t, "Lab platform")
	b.webhook = b.newWebhook(t, b.consumer.ID, "Gradebook")
	d := b.accept(t, b.webhook, engine.StateSending, time.Time{})
	must(t, s.SetSetting(t.Context(), "key", "value"))
	must(t, s.Close())

	again := &bench{Store: open(t, Options{Dir: dir})}
	got := again.Directory().Webhook(b.webhook.ID)
	if got == nil || got.Name != "Gradebook" {
		t.Fatalf("the webhook after a restart is %+v", got)
	}
	if state := again.state(t, d.ID); state != engine.StateSending {
		t.Errorf("the delivery is %s, want sending", state)
	}
	if value, err := again.Setting(t.Context(), "key"); err != nil || value != "value" {
		t.Errorf("the setting is %q, %v", value, err)
	}
	if next := engine.NewID[engine.EventID](); int64(next) <= int64(d.ID) {
		t.Errorf("new id %d is not larger than %d on disk", next, d.ID)
	}
}

func TestNewIDsPassThoseOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir, Synchronous: "OFF"})
	must(t, err)
	b := &bench{Store: s}
	future := int64(engine.NewID[engine.AttemptID]()) + 1<<20*5 // five milliseconds ahead: the clock was set back
	err = insertRow(b, t, "consumers", row{
		"id": future, "name": "Later", "description": "", "default_organization": "", "consuming_platform": "",
		"consuming_platform_version": "", "technical_contact": "", "enabled": 1, "one_send_per_url": 0, "created_at": 1, "created_by": "", "updated_at": 1, "updated_by": "",
	})
	must(t, err)
	must(t, s.Close())
	open(t, Options{Dir: dir})
	if id := engine.NewID[engine.EventID](); int64(id) <= future {
		t.Errorf("new id %d is not larger than %d on disk", id, future)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	must(t, err)
	must(t, s.writer.do(t.Context(), func(t *tx) error { return t.exec("PRAGMA user_version = 99") }))
	must(t, s.Close())
	_, err = Open(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "schema 99") || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("error is %v, want one that names the newer schema", err)
	}
}

func TestExclusive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	serving, err := Open(t.Context(), Options{Dir: dir, Exclusive: true, Synchronous: "OFF"})
	must(t, err)
	if _, err := Open(t.Context(), Options{Dir: dir, Exclusive: true}); !errors.Is(err, ErrServed) {
		t.Errorf("a second serving process got %v, want ErrServed", err)
	}
	// A command beside the server, such as "key create", does not ask for the lock.
	beside := open(t, Options{Dir: dir})
	k, secret, err := beside.CreateKey(t.Context(), dana, engine.APIKey{Description: "CI", Scope: engine.ScopeSend})
	must(t, err)
	got, _, err := serving.Authenticate(t.Context(), secret.Reveal(), "192.0.2.1")
	must(t, err)
	if got.ID != k.ID {
		t.Errorf("the server found key %s, want %s", got.ID, k.ID)
	}
	must(t, serving.Close())
	open(t, Options{Dir: dir, Exclusive: true})
}

func TestMisspeltSynchronousIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := Open(t.Context(), Options{Dir: t.TempDir(), Synchronous: "FUL"}); err == nil {
		t.Error("a synchronous level that SQLite does not know was taken")
	}
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	if _, err := s.read.ExecContext(t.Context(), "DELETE FROM settings"); err == nil {
		t.Error("a reader's connection wrote")
	}
}

func TestCheckpointEmptiesTheLog(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	must(t, s.SetSetting(t.Context(), "key", "value"))
	must(t, s.Checkpoint(t.Context()))
	info, err := os.Stat(s.path + "-wal")
	must(t, err)
	if info.Size() != 0 {
		t.Errorf("the log has %d bytes after the checkpoint", info.Size())
	}
	must(t, s.Ping(t.Context()))
}

func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	const marker = "marker-7f3a9c51d2"
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	must(t, err)
	b := &bench{Store: s}
	b.consumer = b.newConsumer(t, "Lab platform")
	w := engine.NewWebhook(b.consumer.ID)
	w.Name, w.URL, w.Events = "Gradebook", "https://hooks.example.com/lab", []string{engine.LabScored}
	w.Headers = []engine.Header{
		{Name: "Authorization", Value: "Bearer " + marker, Sensitive: true},
		{Name: "X-Course", Value: "plain-value"},
		{Name: "X-Empty", Value: "", Sensitive: true},
	}
	w, err = b.CreateWebhook(t.Context(), dana, w)
	must(t, err)
	w.Headers[0].Value = "Bearer second " + marker
	w, err = b.UpdateWebhook(t.Context(), dana, w)
	must(t, err)
	must(t, s.SetSetting(t.Context(), "cookie key", marker))
	_, key, err := s.CreateKey(t.Context(), dana, engine.APIKey{Description: "CI", Scope: engine.ScopeSend})
	must(t, err)
	audit, err := s.ListAudit(t.Context(), 100)
	must(t, err)
	if audit[1].Detail != "headers: a masked value was changed" {
		t.Errorf("the change of a secret is written as %q", audit[1].Detail)
	}
	for _, entry := range audit {
		if strings.Contains(entry.Detail, marker) || strings.Contains(entry.Detail, key.Reveal()) {
			t.Errorf("the audit log shows a secret: %s", entry.Detail)
		}
	}
	must(t, s.Close())

	for _, name := range []string{fileName, fileName + "-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		must(t, err)
		if name == fileName && !bytes.Contains(data, []byte("plain-value")) {
			t.Error("the test looks in the wrong file: a plain header value is not in it")
		}
		for _, secret := range []string{marker, key.Reveal()} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds a secret in the clear", name)
			}
		}
	}
	again := open(t, Options{Dir: dir})
	if got := again.Directory().Webhook(w.ID).Headers; got[0].Value.Reveal() != "Bearer second "+marker || !got[0].Sensitive || got[1].Value != "plain-value" || got[1].Sensitive || !got[2].Sensitive {
		t.Errorf("the headers after a restart are not those that were stored")
	}
	first, err := again.WebhookVersion(t.Context(), w.ID, 1)
	must(t, err)
	if first.Headers[0].Value.Reveal() != "Bearer "+marker {
		t.Error("the first version's header is not what was stored")
	}
}

func TestSealedTextCannotBeMoved(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	sealed := s.sealer.seal(settingContext("one"), "text")
	if _, err := s.sealer.unseal(settingContext("two"), sealed); err == nil {
		t.Error("text sealed for one place was read in another")
	}
	if bytes.Equal(sealed, s.sealer.seal(settingContext("one"), "text")) {
		t.Error("the same text sealed twice looks the same")
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		damage func(path string) error
		want   string
	}{
		"missing":    {os.Remove, "is missing"},
		"of another": {func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("ab", masterBytes)), 0o600) }, "does not belong to this database"},
		"damaged":    {func(p string) error { return os.WriteFile(p, []byte("short"), 0o600) }, "is damaged"},
		"empty":      {func(p string) error { return os.WriteFile(p, nil, 0o600) }, "is damaged"},
		"with Windows end": {func(p string) error {
			k, err := os.ReadFile(p)
			return errors.Join(err, os.WriteFile(p, append(bytes.TrimSpace(k), "\r\n"...), 0o600))
		}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, err := Open(t.Context(), Options{Dir: dir})
			must(t, err)
			must(t, s.Close())
			must(t, tt.damage(filepath.Join(dir, keyFileName)))
			s, err = Open(t.Context(), Options{Dir: dir})
			switch {
			case tt.want == "":
				must(t, err)
				must(t, s.Close())
			case err == nil || !strings.Contains(err.Error(), tt.want):
				t.Errorf("error is %v, want one that says %q", err, tt.want)
			}
		})
	}
}
