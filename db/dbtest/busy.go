package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"labhook/db"
	"labhook/engine"
	"labhook/engine/enginetest"
)

// Busy is what a database holds that Fill filled.
type Busy struct {
	Consumers []engine.APIConsumer // the first has the busiest webhook
	Webhooks  []engine.Webhook     // the first has a tenth of all deliveries, and the others share the rest
	// Since is when the first delivery was made; the last was made not long ago.
	Since time.Time
	// RareType has one event in ten thousand, and no webhook of its own.
	RareType string
	// Lab is a lab instance with many events.
	Lab string
}

// How much a filled database holds beside its deliveries.
const (
	busyConsumers   = 200
	webhooksOfEach  = 10
	busySpan        = 20 * 24 * time.Hour
	eventsOfLab     = 15
	busyAuditWrites = 100_000
)

var (
	rareType = engine.LabTransferToUser
	types    = []string{engine.LabPreBuild, engine.LabFirstDisplayable, engine.LabScored, engine.LabSaved, engine.LabTornDown}
)

// Fill makes consumers, webhooks and so many deliveries in a directory, in every state and with every kind of failure,
// common and rare, as they would stand there after weeks. Nobody may have it open. It is for benchmarks: a million take
// some minutes and four gigabytes.
func Fill(t testing.TB, dir string, rows int) Busy {
	t.Helper()
	now := time.Now()
	busy := Busy{Since: now.Add(-busySpan), RareType: rareType, Lab: fmt.Sprint(labOf(rows - rows/2))}
	configure(t, dir, &busy)
	load := db.Bulk{Rows: rows, From: busy.Since, Until: now.Add(-time.Minute)}
	for i := range busy.Webhooks {
		load.Webhooks = append(load.Webhooks, busy.Webhooks[i].ID)
		if i%10 == 0 {
			load.Webhooks = append(load.Webhooks, busy.Webhooks[0].ID)
		}
	}
	number := fmt.Sprintf("%012d.%019d", 0, 0)
	lab := engine.SampleLabDetails().With(map[string]any{"Id": 1_000_000_000, "CustomData": number}).Body()
	load.Head, load.Middle, _ = strings.Cut(string(lab), "1000000000")
	load.Middle, load.Tail, _ = strings.Cut(load.Middle, number)
	if err := db.Load(t.Context(), dir, load, func(int) {}); err != nil {
		t.Fatal(err)
	}
	trouble(t, dir, now)
	return busy
}

// labOf is the subject of the lab instance that a row of what was loaded is about, after trouble.
func labOf(row int) int { return 1_000_000_000 + row - row%eventsOfLab }

// configure makes the consumers and webhooks.
func configure(t testing.TB, dir string, busy *Busy) {
	t.Helper()
	s, err := db.Open(t.Context(), db.Options{Dir: dir, Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	for i := range busyConsumers {
		c, err := s.CreateConsumer(t.Context(), engine.System, enginetest.Consumer(func(c *engine.APIConsumer) {
			c.Name = fmt.Sprintf("Academy %03d", i+1)
		}))
		if err != nil {
			t.Fatal(err)
		}
		busy.Consumers = append(busy.Consumers, c)
		for j := range webhooksOfEach {
			w := engine.NewWebhook(c.ID)
			w.Name, w.URL, w.Events = fmt.Sprintf("LMS of %s, %d", c.Name, j+1), "https://hooks.example.com/lab", []string{types[j%len(types)]}
			if w, err = s.CreateWebhook(t.Context(), engine.System, w); err != nil {
				t.Fatal(err)
			}
			busy.Webhooks = append(busy.Webhooks, w)
		}
	}
}

// trouble changes some of what was loaded into what goes wrong and what waits.
func trouble(t testing.TB, dir string, now time.Time) {
	t.Helper()
	pool, err := sql.Open("sqlite", filepath.Join(dir, "labhook.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	for _, statement := range append([]string{
		"PRAGMA journal_mode = DELETE", "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -262144", "BEGIN",
	}, append(troubles, "COMMIT")...) {
		_, err := pool.ExecContext(context.WithoutCancel(t.Context()), statement,
			sql.Named("now", now.UnixMilli()), sql.Named("far", now.Add(30*24*time.Hour).UnixMilli()),
			sql.Named("rare", rareType), sql.Named("lab", eventsOfLab), sql.Named("audit", busyAuditWrites))
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
