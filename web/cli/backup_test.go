package cli

import (
	"archive/tar"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/enginetest"
)

// command runs the built program to its end.
func command(t *testing.T, binary string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var out, said strings.Builder
	cmd.Env = []string{"TZ=UTC"}
	cmd.Stdout, cmd.Stderr = &out, &said
	_ = cmd.Run() // the exit code says it
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}

// TestBackupOfRunningServer backs a server up while events arrive and deliveries go out, restores the backup elsewhere
// and goes on from there.
func TestBackupOfRunningServer(t *testing.T) {
	t.Parallel()
	p := serve(t, build(t))
	p.addConsumer(t, "contoso")
	now, later := enginetest.NewReceiver(t, "200"), enginetest.NewReceiver(t, "200")
	p.addWebhook(t, fields{"consumer": "contoso", "name": "Now", "events": []string{"lab.scored"}, "url": now.URL})
	p.addWebhook(t, fields{"consumer": "contoso", "name": "Later", "events": []string{"lab.scored"}, "url": later.URL, "delay": 3600})

	ctx, stop := context.WithCancel(t.Context())
	var accepted atomic.Int64
	posted := make(chan error, 1)
	go func(c client) {
		for n := 1; ; n++ {
			event := fields{"id": fmt.Sprintf("run-%d", n), "type": "lab.scored", "data": fields{"Id": n}}
			if _, err := c.do(ctx, http.MethodPost, "/api/v1/events", event, nil); err != nil {
				posted <- err
				return
			}
			accepted.Add(1)
		}
	}(*p.client)
	after := func(n int64) { wait(t, func() bool { return accepted.Load() >= n }) }
	after(100)
	before := accepted.Load()
	file := filepath.Join(t.TempDir(), "labhook.tar")
	out, said, code := command(t, p.binary, "backup", "--data", p.data, file)
	if code != 0 || out != "" || !strings.Contains(said, "labhook.tar: ") || strings.Contains(said, "\x1b") {
		t.Fatalf("backup: exit code %d, %q, said %q", code, out, said)
	}
	after(accepted.Load() + 20)
	stop()
	if err := <-posted; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	p.kill(t)

	restored := &program{binary: p.binary, data: filepath.Join(t.TempDir(), "new"), client: p.client}
	if _, said, code = command(t, p.binary, "restore", "--data", restored.data, file); code != 0 {
		t.Fatalf("restore: exit code %d, %s", code, said)
	}
	done := deliveredIn(t, restored.data)
	restored.start(t)
	checkRestored(t, restored, before, now, later)
	for id := range done {
		if n := arrived(now, id); n != 1 {
			t.Errorf("%s had been delivered in the backup, and arrived %d times", id, n)
		}
	}
}

// deliveredIn returns the ids of the deliveries of a data directory that were delivered.
func deliveredIn(t *testing.T, data string) map[string]bool {
	t.Helper()
	store, err := db.Open(t.Context(), db.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	page, err := store.ListDeliveries(t.Context(), engine.DeliveryFilter{States: []engine.DeliveryState{engine.StateDelivered}, Limit: engine.MaxPageSize})
	if err != nil || len(page.Rows) == 0 {
		t.Fatalf("%d were delivered, %v", len(page.Rows), err)
	}
	ids := map[string]bool{}
	for _, d := range page.Rows {
		ids[d.ID.String()] = true
	}
	return ids
}

// arrived counts the requests of a delivery.
func arrived(r *enginetest.Receiver, id string) (n int) {
	for _, req := range r.Arrived() {
		if req.DeliveryID() == id {
			n++
		}
	}
	return n
}

// checkRestored looks for the events that were accepted before the backup, and lets their deliveries go on.
func checkRestored(t *testing.T, p *program, before int64, now, later *enginetest.Receiver) {
	t.Helper()
	for n := int64(1); n <= before; n++ {
		var event struct{ Deliveries []listedDelivery }
		path := fmt.Sprintf("/api/v1/events/run-%d", n)
		p.must(t, http.StatusOK, http.MethodGet, path, nil, &event)
		if len(event.Deliveries) != 2 || event.Deliveries[1].State != "scheduled" {
			t.Fatalf("event %d has the deliveries %+v", n, event.Deliveries)
		}
		waiting := event.Deliveries[1].ID
		if n > 10 {
			continue
		}
		p.must(t, http.StatusOK, http.MethodPost, "/api/v1/deliveries/"+waiting+"/hasten", nil, nil)
		wait(t, func() bool {
			p.must(t, http.StatusOK, http.MethodGet, path, nil, &event)
			return event.Deliveries[0].State == "delivered" && event.Deliveries[1].State == "delivered"
		})
		if n := arrived(later, waiting); n != 1 {
			t.Errorf("%s had waited, and arrived %d times", waiting, n)
		}
		if n := arrived(now, event.Deliveries[0].ID); n < 1 {
			t.Errorf("%s did not arrive", event.Deliveries[0].ID)
		}
	}
	if n := len(later.Arrived()); n != 10 {
		t.Errorf("%d deliveries that waited were sent, want 10", n)
	}
}

// archive returns a backup of a small server, the directory it was made of, and the program.
func archive(t *testing.T, args ...string) (binary, data, file string) {
	t.Helper()
	p := serve(t, build(t))
	p.addConsumer(t, "contoso")
	p.kill(t)
	file = filepath.Join(t.TempDir(), "labhook.tar")
	if _, said, code := command(t, p.binary, append([]string{"backup", "--data", p.data, file}, args...)...); code != 0 {
		t.Fatalf("backup: exit code %d, %s", code, said)
	}
	return p.binary, p.data, file
}

// rewrite copies an archive; change may change an entry, or leave it out by returning nil.
func rewrite(t *testing.T, file string, change func(h *tar.Header, content []byte) []byte) string {
	t.Helper()
	in, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r, w := tar.NewReader(bytes.NewReader(in)), tar.NewWriter(&out)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		content, errRead := io.ReadAll(r)
		if err := errors.Join(err, errRead); err != nil {
			t.Fatal(err)
		}
		if content = change(h, content); content == nil {
			continue
		}
		h.Size = int64(len(content))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	changed := filepath.Join(t.TempDir(), "changed.tar")
	if err := errors.Join(w.Close(), os.WriteFile(changed, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	binary, data, file := archive(t)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.tar")
	text := filepath.Join(t.TempDir(), "text.tar")
	if err := errors.Join(os.WriteFile(cut, whole[:len(whole)/2], 0o600), os.WriteFile(text, []byte("hello"), 0o600)); err != nil {
		t.Fatal(err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	entry := func(name string, change func([]byte) []byte) string {
		return rewrite(t, file, func(h *tar.Header, content []byte) []byte {
			if h.Name == name {
				return change(content)
			}
			return content
		})
	}
	flip := func(content []byte) []byte {
		content[len(content)/2] ^= 1
		return content
	}
	for _, tt := range []struct {
		name, file, data string
		says             string
		args             []string
	}{
		{name: "a directory with data", file: file, data: data, says: "is not empty, it has labhook."},
		{name: "a directory with other files", file: file, data: full, says: "is not empty, it has mine"},
		{name: "a backup that was cut off", file: cut, says: "unexpected EOF"},
		{name: "another file", file: text, says: "is no backup of labhook"},
		{name: "no file", file: "missing.tar", says: "no such file"},
		{name: "a changed database", file: entry("labhook.db", flip), says: "the backup is damaged: labhook.db"},
		{name: "a changed key", file: entry("labhook.key", flip), says: "the backup is damaged: labhook.key"},
		{name: "a missing key", file: entry("labhook.key", func([]byte) []byte { return nil }), says: "a file is missing"},
		{name: "a missing manifest", file: entry(manifestName, func([]byte) []byte { return nil }), says: "its manifest is missing"},
		{name: "a later format", file: entry(manifestName, func(c []byte) []byte {
			return bytes.Replace(c, []byte(`"format": 1`), []byte(`"format": 2`), 1)
		}), says: "format 2, this labhook knows format 1"},
		{name: "a path that leads out", file: rewrite(t, file, func(h *tar.Header, c []byte) []byte {
			h.Name = "../" + h.Name
			return c
		}), says: "does not belong in it"},
		{name: "a key too many", file: file, args: []string{"--key-file", filepath.Join(data, db.KeyFileName)}, says: "leave out --key-file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			into := tt.data
			if into == "" {
				into = filepath.Join(t.TempDir(), "new")
			}
			_, said, code := command(t, binary, append([]string{"restore", "--data", into, tt.file}, tt.args...)...)
			if code != 1 || !strings.Contains(said, tt.says) {
				t.Errorf("exit code %d, said %s, want …%s…", code, said, tt.says)
			}
			if entries, _ := os.ReadDir(into); tt.data == "" && len(entries) > 1 { // the lock may be there
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

func TestBackupWithoutKey(t *testing.T) {
	t.Parallel()
	binary, data, file := archive(t, "--without-key")
	key := filepath.Join(data, db.KeyFileName)
	other := filepath.Join(t.TempDir(), "other.key")
	if err := os.WriteFile(other, []byte(strings.Repeat("0", 64)), 0o600); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(t.TempDir(), "new")
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 1, "name that file with --key-file"},
		{[]string{"--key-file", other}, 1, "does not belong to this database"},
		{[]string{"--key-file", key}, 0, "Restored into"},
	} {
		if _, said, code := command(t, binary, append([]string{"restore", "--data", into, file}, tt.args...)...); code != tt.code || !strings.Contains(said, tt.says) {
			t.Errorf("%q: exit code %d, said %s", tt.args, code, said)
		}
	}
	store, err := db.Open(t.Context(), db.Options{Dir: into})
	if err != nil {
		t.Fatal(err)
	}
	if store.Directory().ConsumerNamed("contoso") == nil {
		t.Error("the consumer is not there")
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	binary, data, file := archive(t)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a file with a key in it has mode %s, %v", info.Mode(), err)
	}
	if err := os.Remove(filepath.Join(data, db.KeyFileName)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, tt := range []struct{ data, file, says string }{
		{data, file, "is there already"},
		{data, filepath.Join(dir, "no-key.tar"), "labhook.key is missing"},
		{t.TempDir(), filepath.Join(dir, "none.tar"), "there is no Labhook database"},
		{data, filepath.Join(dir, "no", "where.tar"), "no such file or directory"},
	} {
		if _, said, code := command(t, binary, "backup", "--data", tt.data, tt.file); code != 1 || !strings.Contains(said, tt.says) {
			t.Errorf("%s: exit code %d, said %s, want …%s…", tt.file, code, said, tt.says)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	binary := build(t)
	latest := db.LatestSchema()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, db.FileName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(what string, args []string, code int, says string) {
		t.Helper()
		out, said, got := command(t, binary, append([]string{"migrate", "--data", data}, args...)...)
		if got != code || !strings.Contains(out+said, says) {
			t.Errorf("%s: exit code %d, printed %s%s, want %d: …%s…", what, got, out, said, code, says)
		}
	}
	check("old", []string{"--check"}, 3, fmt.Sprintf("The schema is 0, this version works with %d", latest))
	check("old, still", []string{"--check"}, 3, "The schema is 0")
	check("migrate", nil, 0, fmt.Sprintf("Migrated from schema 0 to %d.", latest))
	check("again", nil, 0, fmt.Sprintf("up to date: %d.", latest))
	check("check", []string{"--check"}, 0, "up to date")

	lock, err := db.Lock(data)
	if err != nil {
		t.Fatal(err)
	}
	check("served", nil, 1, "another labhook serves this directory")
	check("check while served", []string{"--check"}, 0, "up to date")
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	newer, err := sql.Open("sqlite", filepath.Join(data, db.FileName))
	if err != nil {
		t.Fatal(err)
	}
	_, err = newer.ExecContext(t.Context(), "PRAGMA user_version = 999")
	if err := errors.Join(err, newer.Close()); err != nil {
		t.Fatal(err)
	}
	check("newer", nil, 1, "written by a newer version")
	check("newer, check", []string{"--check"}, 1, "written by a newer version")
	data = t.TempDir()
	check("nothing", nil, 1, "there is no Labhook database")
}

// TestBackupInterrupted stops a backup and a restoration, which must leave nothing.
func TestBackupInterrupted(t *testing.T) {
	t.Parallel()
	_, data, file := archive(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	env := Env{Getenv: func(string) string { return "" }, Stderr: t.Output()}
	dir := t.TempDir()
	for _, args := range [][]string{{"backup", "--data", data, filepath.Join(dir, "stopped.tar")}, {"restore", "--data", dir, file}} {
		if err := Run(ctx, env, args); !errors.Is(err, context.Canceled) {
			t.Errorf("%q: %v", args, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 1 || len(entries) == 1 && entries[0].Name() != db.LockFileName {
			t.Errorf("%q left behind: %v, %v", args, entries, err)
		}
	}
}

// TestPackCountsAllFiles: what is told of the packing adds up over the files, so that the progress bar never goes back.
func TestPackCountsAllFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var files []string
	for i, size := range []int{100_000, 65, 0} {
		files = append(files, filepath.Join(dir, strconv.Itoa(i)))
		if err := os.WriteFile(files[i], make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var told int64
	if _, err := pack(t.Context(), filepath.Join(dir, "packed"), files, &manifest{}, func(part int64) { told += part }); err != nil {
		t.Fatal(err)
	}
	if told != 100_065 {
		t.Errorf("told of %d bytes", told)
	}
}
