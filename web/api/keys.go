package api

import (
	"context"
	"time"

	"labhook/engine"
)

// listConsumerKeys answers with the keys of a consumer.
func (s *server) listConsumerKeys(ctx context.Context, in *consumerPath) (*answer[List[Key]], error) {
	owner, err := s.consumerAt(ctx, in.Con)
	if err != nil {
		return nil, err
	}
	return s.listKeys(ctx, owner.ID)
}

// listPlatformKeys answers with the keys of no consumer.
func (s *server) listPlatformKeys(ctx context.Context, _ *none) (*answer[List[Key]], error) {
	return s.listKeys(ctx, 0)
}

// listKeys needs no pages: engine.MaxKeysPerOwner bounds it.
func (s *server) listKeys(ctx context.Context, owner engine.ConsumerID) (*answer[List[Key]], error) {
	keys, err := s.Store.Keys(ctx, owner)
	if err != nil {
		return nil, err
	}
	return wholeList(keys, keyOut), nil
}

// createConsumerKey makes a key of a consumer and shows it, once.
func (s *server) createConsumerKey(ctx context.Context, in *consumerPath) (*answer[Key], error) {
	owner, err := s.consumerAt(ctx, in.Con)
	if err != nil {
		return nil, err
	}
	return s.createKey(ctx, owner.ID)
}

// createPlatformKey makes a platform key and shows it, once.
func (s *server) createPlatformKey(ctx context.Context, _ *none) (*answer[Key], error) {
	return s.createKey(ctx, 0)
}

func (s *server) createKey(ctx context.Context, owner engine.ConsumerID) (*answer[Key], error) {
	c := callOf(ctx)
	sent := newKeyInput()
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	k := engine.APIKey{
		ConsumerID: owner, Description: sent.Description, Scope: engine.Scope(sent.Scope),
		Expires: timeOrZero(sent.Expires), Enabled: true,
	}
	if err := k.ValidateNew(time.Now()); err != nil {
		return nil, err
	}
	made, text, err := s.Store.CreateKey(ctx, c.actor(), k)
	if err != nil {
		return nil, err
	}
	out := keyOut(made)
	out.Key = text.Reveal()
	return &answer[Key]{out}, nil
}

// newKeyInput returns the values that absent fields have.
func newKeyInput() KeyInput { return KeyInput{Scope: string(engine.ScopeRead)} }

type keyPath struct {
	Key string `path:"key"`
}

// revokeKey takes a key out of use for good.
func (s *server) revokeKey(ctx context.Context, in *keyPath) (*none, error) {
	c := callOf(ctx)
	id, err := engine.ParseID[engine.KeyID](in.Key)
	if err != nil {
		return nil, engine.ErrNotFound
	}
	key, err := s.Store.Key(ctx, id)
	if err != nil {
		return nil, err
	}
	if !c.sees(key.ConsumerID) {
		return nil, engine.ErrNotFound
	}
	return nil, s.Store.RevokeKey(ctx, c.actor(), id)
}

func keyOut(k engine.APIKey) Key {
	return Key{
		ID: k.ID.String(), Consumer: textOrNull(k.ConsumerID.String()), Description: k.Description, Scope: string(k.Scope),
		Prefix: k.Prefix, Enabled: k.Enabled, Expires: timeOrNull(k.Expires), CreatedAt: k.CreatedAt.UTC(),
		CreatedBy: k.CreatedBy, LastUsedAt: timeOrNull(k.LastUsedAt), LastUsedIP: k.LastUsedIP,
	}
}
