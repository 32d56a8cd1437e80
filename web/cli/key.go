package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"

	"labhook/db"
	"labhook/engine"
)

// keyCommands are those below key.
var keyCommands = []Command{
	{Name: "create", Summary: "make an API key and print it, this once", Run: createAPIKey},
}

// createAPIKey makes an API key on the host, also while the server runs, and prints the key alone on stdout.
func createAPIKey(ctx context.Context, env Env, args []string) error {
	var (
		key     engine.APIKey
		expires expiry
	)
	f := newFlags(env, "key create", "make an API key and print it, this once")
	data := f.String("data", DefaultData, "`DIR` of the server's database")
	f.StringVar(&key.Description, "description", "", "`TEXT` that tells who uses the key")
	consumer := f.String("consumer", "", "`NAME` of the API consumer (id or external id) that the key is for; without it the key is for all")
	scope := f.String("scope", string(engine.ScopeManage), "`SCOPE` of the key: read, send or manage")
	f.Var(&expires, "expires", "`TIME` after which the key opens nothing: 90d, 12h or 2027-01-31; without it never")
	f.fromEnv = []string{"data"}
	f.example = `labhook key create --description "lab platform" --scope send --expires 90d`
	f.choices["scope"] = []string{string(engine.ScopeRead), string(engine.ScopeSend), string(engine.ScopeManage)}
	if err := f.parse(args); err != nil {
		return err
	}
	key.Scope, key.Expires, key.Enabled = engine.Scope(*scope), expires.Time, true
	if err := key.Validate(); err != nil {
		return f.invalid(err)
	}
	store, err := openBeside(ctx, *data)
	if err != nil {
		return err
	}
	created, secret, err := createKey(ctx, store, key, *consumer)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "Key %s, scope %s. Keep it now: it is stored as a hash and cannot be shown again.\n", created.ID, created.Scope)
	_, err = fmt.Fprintln(env.Stdout, secret.Reveal())
	return err
}

// openBeside opens the data directory of a server that may be running. It makes nothing: a directory that was
// mistyped must not end in a key for nothing.
func openBeside(ctx context.Context, data string) (*db.Store, error) {
	if _, err := os.Stat(filepath.Join(data, db.FileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, noDatabase(data)
	}
	return db.Open(ctx, db.Options{Dir: data, Log: slog.New(slog.DiscardHandler)})
}

// noDatabase is the error about a directory without a database.
func noDatabase(data string) error {
	return fmt.Errorf("there is no Labhook database in %s; start the server there once, or name its directory with --data", data)
}

func createKey(ctx context.Context, store *db.Store, key engine.APIKey, consumer string) (engine.APIKey, engine.Secret, error) {
	if consumer != "" {
		found := store.Directory().ConsumerNamed(consumer)
		if found == nil {
			return key, "", fmt.Errorf("there is no API consumer with the id or external id %q", consumer)
		}
		key.ConsumerID = found.ID
	}
	return store.CreateKey(ctx, hostActor(), key)
}

// hostActor is the person at the host, for the audit log.
func hostActor() engine.Actor {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return engine.Actor{Name: "command line (" + u.Username + ")"}
	}
	return engine.Actor{Name: "command line"}
}
