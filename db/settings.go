package db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"labhook/engine"
)

func settingContext(key string) string { return "settings/" + key }

// Setting returns a stored value; engine.ErrNotFound when there is none.
func (s *Store) Setting(ctx context.Context, key string) (string, error) {
	return one(s.read.QueryRowContext(ctx, selectSetting, key), s.settingScan(key))
}

const selectSetting = "SELECT value FROM settings WHERE key = ?"

// settingScan unseals the value of a row. Every value is sealed: some are keys, and none is read often.
func (s *Store) settingScan(key string) func(scanner) (string, error) {
	return func(row scanner) (string, error) {
		var sealed []byte
		if err := row.Scan(&sealed); err != nil {
			return "", err
		}
		return s.sealer.unseal(settingContext(key), sealed)
	}
}

// SetSetting stores a value in the place of an earlier one.
func (s *Store) SetSetting(ctx context.Context, key, value string) error {
	return s.writer.do(ctx, func(t *tx) error { return s.saveSetting(t, key, value) })
}

func (s *Store) saveSetting(t *tx, key, value string) error {
	return t.exec("INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		key, s.sealer.seal(settingContext(key), value))
}

// saveSettingJSON stores a value in the form of JSON.
func (s *Store) saveSettingJSON(t *tx, key string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write setting %s: %w", key, err)
	}
	return s.saveSetting(t, key, string(text))
}

// settingJSON reads a value that saveSettingJSON stored into v, which stays as it is when there is none.
func (s *Store) settingJSON(ctx context.Context, key string, v any) error {
	text, err := s.Setting(ctx, key)
	return parseSettingJSON(key, text, err, v)
}

// settingJSONIn is settingJSON within a transaction.
func (s *Store) settingJSONIn(t *tx, key string, v any) error {
	text, err := get(t, s.settingScan(key), selectSetting, key)
	return parseSettingJSON(key, text, err, v)
}

// parseSettingJSON reads into v what came of looking a setting up.
func parseSettingJSON(key, text string, err error, v any) error {
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return nil
	case err == nil:
		err = json.Unmarshal([]byte(text), v)
	}
	if err != nil {
		return fmt.Errorf("read setting %s: %w", key, err)
	}
	return nil
}

// SettingOrCreate returns a stored value, and stores the one that create makes when there is none.
func (s *Store) SettingOrCreate(ctx context.Context, key string, create func() string) (string, error) {
	return change(ctx, s.writer, func(t *tx) (string, error) {
		value, err := get(t, s.settingScan(key), selectSetting, key)
		if errors.Is(err, engine.ErrNotFound) {
			value = create()
			err = s.saveSetting(t, key, value)
		}
		return value, err
	})
}
