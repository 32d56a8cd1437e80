package web

import (
	"context"
	"time"

	"labhook/views"
)

// backupState says how the scheduled backups went.
func (s *Server) backupState(ctx context.Context) (views.Backup, error) {
	state, err := s.store.BackupState(ctx)
	return views.Backup{
		Dir: s.backups.Dir, Every: s.backups.Every, Keep: s.backups.Keep,
		At: state.At, File: state.File, Size: state.Size, Took: state.Took, FailedAt: state.FailedAt, Problem: state.Problem,
	}, err
}

// backupAttention says what is wrong with the scheduled backups.
func backupAttention(b views.Backup, now time.Time) []views.Attention {
	one := views.Attention{
		About: views.Link{Text: "Backup"}, Since: b.FailedAt, Next: views.Link{Text: "Backups", URL: views.SettingsOfURL(views.StorageGroup)},
	}
	switch {
	case b.Dir == "":
		return nil
	case !b.FailedAt.IsZero():
		one.What = "The last one failed: " + b.Problem
	case b.Late(now):
		one.What, one.Since = "There was none for twice the time that lies between two.", b.At
	default:
		return nil
	}
	return []views.Attention{one}
}

// room is what the database takes on the disk.
func (s *Server) room(ctx context.Context, p views.Page) (views.Room, error) {
	measured, err := s.store.Room(ctx, p.Now)
	if err != nil {
		return views.Room{}, err
	}
	free, err := s.store.FreeSpace()
	site := s.store.Settings()
	return views.Room{
		Size: measured.Size, Reused: measured.Reused, Free: free, Oldest: measured.Oldest, OldestLog: measured.OldestLog,
		PerDay: measured.PerDay, BodiesPerDay: measured.BodiesPerDay, Deliveries: measured.Deliveries,
		KeepEvents: site.KeepEvents, KeepBodies: site.KeepBodies, Last: *s.store.Retention(),
	}, err
}
