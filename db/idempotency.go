package db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"labhook/engine"
)

// Limits of the answers that are kept for requests with an Idempotency-Key.
const (
	KeepAnswers     = 24 * time.Hour
	MaxKeptAnswers  = 10_000    // of one API key; the oldest give way
	MaxAnswerToKeep = 256 << 10 // bytes of a body; of a larger one only the status is kept
)

// Request is a request that is to be carried out once.
type Request struct {
	APIKey engine.KeyID
	Name   string   // its Idempotency-Key
	Sum    [32]byte // of all that makes it another request
}

// sealContext binds an answer to its request. Answers are sealed, because some show a key or a secret.
func (r *Request) sealContext() string {
	return "idempotency/" + strconv.FormatInt(int64(r.APIKey), 10) + "/" + r.Name
}

// KeptAnswer is what was answered to a request.
type KeptAnswer struct {
	Status int // 0: nothing yet
	// Header and Body are empty when the body was too large to be kept.
	Header map[string]string
	Body   []byte
}

const selectRequest = "SELECT request, coalesce(status, 0), answer FROM idempotency WHERE api_key = ? AND name = ?"

// BeginRequest notes that a request is being carried out, and returns nil. When it was begun before it returns what was
// answered; engine.ErrConflict when the name was used for another request.
func (s *Store) BeginRequest(ctx context.Context, r Request) (known *KeptAnswer, err error) {
	known, err = change(ctx, s.writer, func(t *tx) (*KeptAnswer, error) {
		err := t.exec("DELETE FROM idempotency WHERE api_key = ? AND name = ? AND created_at <= ?", r.APIKey, r.Name, t.now.Add(-KeepAnswers).UnixMilli())
		if err != nil {
			return nil, err
		}
		n, err := t.do("INSERT INTO idempotency (api_key, name, request, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			r.APIKey, r.Name, r.Sum[:], t.now.UnixMilli())
		if err == nil && n == 0 {
			return get(t, s.answerScan(&r), selectRequest, r.APIKey, r.Name)
		}
		if err != nil {
			return nil, err
		}
		return nil, t.exec(deleteSurplus, r.APIKey, MaxKeptAnswers)
	})
	if err != nil {
		return nil, fmt.Errorf("begin request: %w", err)
	}
	return known, nil
}

// deleteSurplus deletes the oldest answers of a key beyond a number.
const deleteSurplus = `DELETE FROM idempotency WHERE id IN (
	SELECT id FROM idempotency INDEXED BY idempotency_api_key WHERE api_key = ? ORDER BY id DESC LIMIT -1 OFFSET ?)`

func (s *Store) answerScan(r *Request) func(scanner) (*KeptAnswer, error) {
	return func(row scanner) (*KeptAnswer, error) {
		var (
			known       KeptAnswer
			sum, sealed []byte
		)
		if err := row.Scan(&sum, &known.Status, &sealed); err != nil {
			return nil, err
		}
		if string(sum) != string(r.Sum[:]) {
			return nil, engine.ErrConflict
		}
		if sealed == nil {
			return &known, nil
		}
		text, err := s.sealer.unseal(r.sealContext(), sealed)
		if err == nil {
			err = json.Unmarshal([]byte(text), &known)
		}
		return &known, err
	}
}

// EndRequest keeps what was answered to a request that was begun.
func (s *Store) EndRequest(ctx context.Context, r Request, a KeptAnswer) error {
	var sealed []byte
	if len(a.Body) <= MaxAnswerToKeep {
		text, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		sealed = s.sealer.seal(r.sealContext(), string(text))
	}
	err := s.writer.do(ctx, func(t *tx) error {
		return t.exec("UPDATE idempotency SET status = ?, answer = ? WHERE api_key = ? AND name = ?", a.Status, sealed, r.APIKey, r.Name)
	})
	if err != nil {
		return fmt.Errorf("keep answer: %w", err)
	}
	return nil
}

// ForgetRequest frees the name of a request that was begun and came to nothing.
func (s *Store) ForgetRequest(ctx context.Context, r Request) error {
	err := s.writer.do(ctx, func(t *tx) error {
		return t.exec("DELETE FROM idempotency WHERE api_key = ? AND name = ?", r.APIKey, r.Name)
	})
	if err != nil {
		return fmt.Errorf("forget request: %w", err)
	}
	return nil
}

// sweepAnswers is how many answers one transaction deletes at most, so that it delays nothing.
const sweepAnswers = 500

const deleteOldAnswers = `DELETE FROM idempotency WHERE id IN (
	SELECT id FROM idempotency INDEXED BY idempotency_created_at WHERE created_at <= ? LIMIT ?)`

// PurgeAnswers deletes the answers that have been kept long enough at now.
func (s *Store) PurgeAnswers(ctx context.Context, now time.Time) error {
	for {
		n, err := change(ctx, s.writer, func(t *tx) (int64, error) {
			return t.do(deleteOldAnswers, now.Add(-KeepAnswers).UnixMilli(), sweepAnswers)
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("purge answers: %w", err)
		}
		if err != nil || n < sweepAnswers {
			return err
		}
	}
}
