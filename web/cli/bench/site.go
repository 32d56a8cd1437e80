package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"labhook/db"
	"labhook/engine"
)

// typesPerConsumer is how many kinds of event the webhooks of one consumer listen to.
const typesPerConsumer = 10

// farNumber is where the numbers of loaded events begin that are never sent.
const farNumber = 4_000_000_000

// deadWebhooks is how many webhooks a receiver has that is not there, for each type.
const deadWebhooks = 10

// site is a server with a data directory of its own.
type site struct {
	*stage
	dir       string
	server    *server // nil: it was stopped
	key       string  // API key
	consumers []string
	types     []string
	hooks     []engine.WebhookID
	dead      []engine.WebhookID // whose receiver is not there
	delivered int64              // deliveries of the server so far
	emptySize int64              // bytes of the database before them
	walPeak   atomic.Int64       // bytes of the largest write-ahead log
}

// setting says what a site is like.
type setting struct {
	webhooks int
	dead     bool                               // there are webhooks besides whose receiver is not there
	fill     func(context.Context, *site) error // loads what is in the database beforehand; nil: nothing is
	profile  string                             // file; empty: none
}

// open makes a data directory and starts a server on it.
func (s *stage) open(ctx context.Context, name string, set setting) (*site, error) {
	at := &site{stage: s, dir: filepath.Join(s.dir, name)}
	if err := at.configure(ctx, set); err != nil {
		return nil, err
	}
	if set.fill != nil {
		if err := set.fill(ctx, at); err != nil {
			return nil, err
		}
	}
	at.emptySize = at.fileSize("labhook.db")
	err := syncFile(filepath.Join(at.dir, "labhook.db"))
	if err != nil {
		return nil, err
	}
	if at.server, err = startServer(ctx, s.Options, at.dir, set.profile); err != nil {
		return nil, err
	}
	s.sites = append(s.sites, at)
	return at, nil
}

// syncFile waits until a file is on the disk, which the start of the server would do else.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// configure makes the consumers, webhooks and key.
func (at *site) configure(ctx context.Context, set setting) (err error) {
	store, err := db.Open(ctx, db.Options{Dir: at.dir, Synchronous: "OFF"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	_, secret, err := store.CreateKey(ctx, who, engine.APIKey{Description: "bench", Scope: engine.ScopeSend})
	if err != nil {
		return err
	}
	at.key = secret.Reveal()
	// Each event concerns Fanout webhooks: those of one consumer that listen to its type.
	used := min(typesPerConsumer, max(1, set.webhooks/at.Fanout))
	for _, kind := range engine.BuiltIn.InGroup(engine.GroupLifeCycle)[:used] {
		at.types = append(at.types, kind.Code)
	}
	for len(at.hooks)+at.Fanout <= set.webhooks {
		at.within(float64(len(at.hooks)) / float64(set.webhooks))
		id, hooks, err := at.addConsumer(ctx, store, fmt.Sprint("consumer ", len(at.consumers)+1), at.Fanout, at.hook)
		if err != nil {
			return err
		}
		at.consumers, at.hooks = append(at.consumers, id), append(at.hooks, hooks...)
	}
	if set.dead {
		_, at.dead, err = at.addConsumer(ctx, store, "dead", deadWebhooks, "http://127.0.0.1:1")
	}
	return err
}

// who makes the configuration.
var who = engine.Actor{Name: "bench"}

// addConsumer makes a consumer with some webhooks for each type.
func (at *site) addConsumer(ctx context.Context, store *db.Store, name string, perType int, url string) (id string, hooks []engine.WebhookID, err error) {
	c, err := store.CreateConsumer(ctx, who, engine.APIConsumer{Name: name, Enabled: true})
	if err != nil {
		return "", nil, err
	}
	for i := range len(at.types) * perType {
		w := engine.NewWebhook(c.ID)
		w.Name, w.Events = fmt.Sprint("webhook ", i+1), []string{at.types[i%len(at.types)]}
		w.URL = fmt.Sprint(url, "/", i/len(at.types))
		if w, err = store.CreateWebhook(ctx, who, w); err != nil {
			return "", nil, err
		}
		hooks = append(hooks, w.ID)
	}
	return c.ID.String(), hooks, nil
}

// load fills the database with deliveries of the measured kind of event.
func (at *site) load(ctx context.Context, b db.Bulk) error {
	t := newTemplate()
	b.Head, b.Middle, b.Tail = string(t.head), string(t.middle), string(t.tail)
	return db.Load(ctx, at.dir, b, func(rows int) { at.within(float64(rows) / float64(b.Rows)) })
}

// stop stops the server in order.
func (at *site) stop() error {
	if at.server == nil {
		return nil
	}
	stopping := at.server
	at.server = nil
	return stopping.stop()
}

// fileSize returns the bytes of a file of the database, 0 when it is not there.
func (at *site) fileSize(name string) int64 {
	info, err := os.Stat(filepath.Join(at.dir, name))
	if err != nil {
		return 0
	}
	return info.Size()
}

// diskPerDelivery returns the bytes that each delivery took, once the server has stopped.
func (at *site) diskPerDelivery() float64 {
	if at.delivered == 0 {
		return 0
	}
	return float64(at.fileSize("labhook.db")-at.emptySize) / float64(at.delivered)
}

// watchEvery is how often the size of the write-ahead log is looked at.
const watchEvery = 100 * time.Millisecond

// watchLog notes the largest size of the write-ahead log until the function that it returns is called.
func (at *site) watchLog() (stop func()) {
	var watching sync.WaitGroup
	over := make(chan struct{})
	watching.Go(func() {
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			at.walPeak.Store(max(at.walPeak.Load(), at.fileSize("labhook.db-wal")))
			select {
			case <-over:
				return
			case <-ticker.C:
			}
		}
	})
	return func() {
		close(over)
		watching.Wait()
	}
}
