package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"labhook/engine"
)

const keyColumns = `id, coalesce(consumer, 0), description, scope, prefix, enabled, expires_at, created_at, created_by,
	last_used_at, last_used_ip`

func scanKey(row scanner) (k engine.APIKey, err error) {
	return k, row.Scan(&k.ID, &k.ConsumerID, &k.Description, &k.Scope, &k.Prefix, &k.Enabled, at(&k.Expires),
		at(&k.CreatedAt), &k.CreatedBy, at(&k.LastUsedAt), &k.LastUsedIP)
}

// Key returns one key, also a revoked one; engine.ErrNotFound when there is none.
func (s *Store) Key(ctx context.Context, id engine.KeyID) (engine.APIKey, error) {
	return one(s.read.QueryRowContext(ctx, "SELECT "+keyColumns+" FROM api_keys WHERE id = ?", id), scanKey)
}

// Keys returns the keys of a consumer, or with 0 the platform keys; newest first, revoked ones included.
func (s *Store) Keys(ctx context.Context, consumer engine.ConsumerID) ([]engine.APIKey, error) {
	keys, err := list(ctx, s, scanKey, "SELECT "+keyColumns+" FROM api_keys WHERE consumer IS ? ORDER BY id DESC", orNull(consumer))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, nil
}

// CreateKey makes a new key. The returned secret is the key itself, which is not stored and cannot be shown again.
func (s *Store) CreateKey(ctx context.Context, who engine.Actor, k engine.APIKey) (engine.APIKey, engine.Secret, error) {
	if err := k.Validate(); err != nil {
		return engine.APIKey{}, "", err
	}
	secret, prefix := engine.NewKey()
	k.ID = engine.NewID[engine.KeyID]()
	k.Expires = k.Expires.Truncate(time.Millisecond) // as the disk keeps it
	k.Prefix, k.Enabled, k.CreatedBy, k.LastUsedAt, k.LastUsedIP = prefix, true, who.Name, time.Time{}, ""
	stored, err := change(ctx, s.writer, func(t *tx) (engine.APIKey, error) {
		next := k
		next.CreatedAt = t.now.UTC().Truncate(time.Millisecond)
		if k.ConsumerID != 0 && t.directory.Consumer(k.ConsumerID) == nil {
			return next, engine.ErrNotFound
		}
		n, err := get(t, number, "SELECT count(*) FROM api_keys WHERE consumer IS ? AND enabled = 1", orNull(k.ConsumerID))
		if err != nil {
			return next, err
		}
		if n >= engine.MaxKeysPerOwner {
			return next, invalid("description", "There are %d keys already, which is the most; revoke one first", n)
		}
		err = t.exec(`INSERT INTO api_keys (id, consumer, description, scope, prefix, hash, enabled, expires_at, created_at, created_by)
			VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`,
			k.ID, orNull(k.ConsumerID), k.Description, k.Scope, k.Prefix, engine.HashKey(secret.Reveal()),
			millis(k.Expires), t.now.UnixMilli(), who.Name)
		if err != nil {
			return next, err
		}
		return next, t.audit(who, "key.create", k.ID.String(), keyDetail(k))
	})
	if err != nil {
		return engine.APIKey{}, "", fmt.Errorf("create key: %w", err)
	}
	return stored, secret, nil
}

func keyDetail(k engine.APIKey) string {
	d := &diff{}
	d.field("description", "", k.Description)
	d.field("scope", "", string(k.Scope))
	d.field("prefix", "", k.Prefix)
	d.field("consumer", "", k.ConsumerID.String())
	d.field("expires", time.Time{}, k.Expires)
	return d.String()
}

// RevokeKey ends a key for good. Revoking it again changes nothing.
func (s *Store) RevokeKey(ctx context.Context, who engine.Actor, id engine.KeyID) error {
	err := s.writer.do(ctx, func(t *tx) error {
		k, err := get(t, scanKey, "SELECT "+keyColumns+" FROM api_keys WHERE id = ?", id)
		if err != nil || !k.Enabled {
			return err
		}
		return s.revoke(t, who, &k)
	})
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	return nil
}

func (s *Store) revoke(t *tx, who engine.Actor, k *engine.APIKey) error {
	if err := t.exec("UPDATE api_keys SET enabled = 0 WHERE id = ?", k.ID); err != nil {
		return err
	}
	t.onCommit(s.keys.forget)
	return t.audit(who, "key.revoke", k.ID.String(), k.Description+" ("+k.Prefix+")")
}

// keyFresh is how long a key is taken from memory before its row is read again. It is also how exact LastUsedAt is,
// and how long another process's changes may go unseen.
const keyFresh = time.Minute

// keyCache holds the keys that were used of late, by hash. Only keys that exist enter it, so it stays small.
type keyCache struct {
	mu     sync.Mutex
	byHash map[string]cachedKey
	age    int // counts up with every forget
}

type cachedKey struct {
	key  engine.APIKey
	read time.Time
}

func (c *keyCache) find(hash string, now time.Time) (key engine.APIKey, age int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.byHash[hash]
	return cached.key, c.age, ok && now.Sub(cached.read) < keyFresh
}

// keep remembers a key, unless keys were forgotten since age: then it may have been read before it was revoked.
func (c *keyCache) keep(hash string, key engine.APIKey, now time.Time, age int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.age != age {
		return
	}
	if c.byHash == nil {
		c.byHash = map[string]cachedKey{}
	}
	c.byHash[hash] = cachedKey{key, now}
}

func (c *keyCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byHash = nil
	c.age++
}

// Authenticate returns the API key that a client showed, and the API consumer whose it is, nil for a platform key. The error
// is engine.ErrNotFound when there is no such key, it cannot be used, or its consumer is gone. It notes when and from where a
// key was used, to about a minute.
func (s *Store) Authenticate(ctx context.Context, key, ip string) (engine.APIKey, *engine.APIConsumer, error) {
	now := time.Now()
	hash := engine.HashKey(key)
	k, age, ok := s.keys.find(hash, now)
	if !ok {
		var err error
		k, err = one(s.read.QueryRowContext(ctx, "SELECT "+keyColumns+" FROM api_keys WHERE hash = ?", hash), scanKey)
		if err != nil {
			return engine.APIKey{}, nil, fmt.Errorf("authenticate: %w", err)
		}
		s.keys.keep(hash, k, now, age)
		if k.Usable(now) {
			s.noteUse(ctx, k.ID, now, ip)
		}
	}
	owner := s.Directory().Consumer(k.ConsumerID) // not kept: a change of the consumer counts at once
	if !k.Usable(now) || owner == nil && k.ConsumerID != 0 {
		return engine.APIKey{}, nil, fmt.Errorf("authenticate: %w", engine.ErrNotFound)
	}
	return k, owner, nil
}

// noteUse stores when a key was used, without waiting for it.
func (s *Store) noteUse(ctx context.Context, id engine.KeyID, now time.Time, ip string) {
	op := operation{
		patient: true,
		run: func(t *tx) error {
			return t.exec("UPDATE api_keys SET last_used_at = ?, last_used_ip = ? WHERE id = ?", now.UnixMilli(), ip, id)
		},
		done: func(err error) {
			if err != nil {
				s.log.Warn("key use not noted", "key", id, "error", err)
			}
		},
	}
	if err := s.writer.submit(ctx, op); err != nil && !errors.Is(err, engine.ErrStopping) {
		op.done(err)
	}
}
