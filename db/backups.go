package db

import (
	"context"
	"fmt"
	"time"
)

const backupKey = "backup"

// BackupState is how the scheduled backups went.
type BackupState struct {
	At       time.Time     `json:"at,omitzero"` // when the latest good one began; zero: there was none
	File     string        `json:"file,omitempty"`
	Size     int64         `json:"size,omitempty"` // bytes
	Took     time.Duration `json:"took,omitempty"`
	FailedAt time.Time     `json:"failed_at,omitzero"` // when one failed since; zero: none did
	Problem  string        `json:"problem,omitempty"`  // why
}

// BackupState returns how the scheduled backups went.
func (s *Store) BackupState(ctx context.Context) (b BackupState, err error) {
	if err := s.settingJSON(ctx, backupKey, &b); err != nil {
		return b, fmt.Errorf("read state of backups: %w", err)
	}
	return b, nil
}

// SetBackupState notes how a scheduled backup went.
func (s *Store) SetBackupState(ctx context.Context, b BackupState) error {
	err := s.writer.do(ctx, func(t *tx) error { return s.saveSettingJSON(t, backupKey, b) })
	if err != nil {
		return fmt.Errorf("note state of backups: %w", err)
	}
	return nil
}
