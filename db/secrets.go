package db

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// masterBytes is the length of the master key in labhook.key, which holds it in hex.
const masterBytes = 32

// canaryKey is the setting by which a key file that belongs to another database is found out at start.
const canaryKey = "canary"

// sealer encrypts what must not be read from the database file or a backup of it. The key is derived from a master
// key in a file of its own.
type sealer struct{ aead cipher.AEAD }

// openSealer reads the key file, or makes it for a database that has no secrets yet.
func openSealer(ctx context.Context, write *sql.DB, path string) (*sealer, error) {
	const read = "SELECT value FROM settings WHERE key = ?"
	var canary []byte
	err := write.QueryRowContext(ctx, read, canaryKey).Scan(&canary)
	isNew := errors.Is(err, sql.ErrNoRows)
	if err != nil && !isNew {
		return nil, fmt.Errorf("read canary: %w", err)
	}
	master, err := masterKey(path, isNew)
	if err != nil {
		return nil, err
	}
	s, err := newSealer(master)
	if err != nil {
		return nil, err
	}
	if isNew {
		// Another process may do the same just now: what counts is what lies on disk afterwards.
		_, err := write.ExecContext(ctx, "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
			canaryKey, s.seal(settingContext(canaryKey), canaryKey))
		if err != nil {
			return nil, fmt.Errorf("write canary: %w", err)
		}
		if err := write.QueryRowContext(ctx, read, canaryKey).Scan(&canary); err != nil {
			return nil, fmt.Errorf("read canary: %w", err)
		}
	}
	return s, s.checkCanary(path, canary)
}

// checkCanary returns an error unless the canary of a database was sealed with the key of that file.
func (s *sealer) checkCanary(path string, canary []byte) error {
	if _, err := s.unseal(settingContext(canaryKey), canary); err != nil {
		return fmt.Errorf("%s does not belong to this database: put back the key file that was made with it", path)
	}
	return nil
}

func newSealer(master []byte) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, master, nil, "labhook secrets in the database, AES-256-GCM", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

// masterKey reads the key file and, where that is allowed, makes it first.
func masterKey(path string, mayMake bool) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && mayMake {
		if err := makeKeyFile(path); err != nil {
			return nil, fmt.Errorf("make key file: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing: without it the secrets in the database cannot be read, put it back", path)
	}
	if err != nil {
		return nil, err
	}
	master, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(master) != masterBytes {
		return nil, fmt.Errorf("%s is damaged: it must hold %d hexadecimal digits", path, 2*masterBytes)
	}
	return master, nil
}

// makeKeyFile writes a new key to disk under another name and links it into place, so that nobody ever sees half a
// key and an existing one is never replaced.
func makeKeyFile(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	master := make([]byte, masterBytes)
	rand.Read(master) // never fails
	_, err = fmt.Fprintf(f, "%x\n", master)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// seal encrypts text. The context says where it is stored, so that it cannot be moved to another place.
func (s *sealer) seal(context, text string) []byte {
	return s.aead.Seal(nil, nil, []byte(text), []byte(context))
}

// unseal decrypts what seal returned for the same context.
func (s *sealer) unseal(context string, sealed []byte) (string, error) {
	text, err := s.aead.Open(nil, nil, sealed, []byte(context))
	if err != nil {
		return "", fmt.Errorf("unseal %s: %w", context, err)
	}
	return string(text), nil
}
