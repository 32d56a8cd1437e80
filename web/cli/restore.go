package cli

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"labhook/db"
)

// Restore puts what Backup wrote into a new data directory.
func Restore(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, "restore", "put a backup into a new or empty data directory; nothing is ever overwritten")
	f.arguments = []string{"FILE"}
	data := f.String("data", DefaultData, "new or empty `DIR` for the database")
	key := f.String("key-file", "", "labhook.key, a `FILE`, for a backup that was made without it")
	f.fromEnv = []string{"data"}
	f.example = "labhook restore --data /var/lib/labhook-new /backups/labhook-2026-11-20.tar"
	if err := f.parse(args); err != nil {
		return err
	}
	bar := newProgressBar(env)
	m, err := restore(ctx, f.given[0], *data, *key, bar)
	bar.clear()
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	fmt.Fprintf(env.Stderr, "Restored into %s what was backed up at %s, schema %d, checked.\n", *data, m.CreatedAt.Format(time.RFC3339), m.Schema)
	if latest := db.LatestSchema(); m.Schema < latest {
		fmt.Fprintf(env.Stderr, "The server migrates it to schema %d when it starts; labhook migrate does it now.\n", latest)
	}
	fmt.Fprintf(env.Stderr, "Deliveries that waited then go on when the server starts: labhook serve --data %s\n", *data)
	return nil
}

// restore unpacks into a directory beside the final names, checks everything, and moves the files into place.
func restore(ctx context.Context, file, data, key string, bar *progressBar) (m manifest, err error) {
	in, err := os.Open(file)
	if err != nil {
		return m, err
	}
	defer in.Close() // it was only read
	lock, err := claimEmpty(data)
	if err != nil {
		return m, err
	}
	defer lock.Close() // an open lock ends with the process
	work, err := os.MkdirTemp(data, ".labhook-restore-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	if m, err = unpack(ctx, in, work, bar); err != nil {
		return m, err
	}
	if err := addKey(work, key); err != nil {
		return m, err
	}
	bar.show(0.8, "checking")
	database := filepath.Join(work, db.FileName)
	if m.Schema, err = db.FileSchema(ctx, database); err != nil {
		return m, err
	}
	if err := errors.Join(db.CheckFile(ctx, database), db.CheckKey(ctx, database, filepath.Join(work, db.KeyFileName))); err != nil {
		return m, err
	}
	for _, name := range []string{db.KeyFileName, db.FileName} { // a database must never lie there without its key
		if err := os.Rename(filepath.Join(work, name), filepath.Join(data, name)); err != nil {
			return m, err
		}
	}
	return m, syncDir(data)
}

// claimEmpty makes the directory, or makes sure that it is empty, and keeps servers from starting there.
func claimEmpty(data string) (io.Closer, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	lock, err := db.Lock(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", data, err)
	}
	entries, err := os.ReadDir(data)
	for _, entry := range entries {
		if name := entry.Name(); name != db.LockFileName && name != "lost+found" {
			err = fmt.Errorf("%s is not empty, it has %s, and nothing is overwritten; name a new directory with --data", data, name)
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// unpack writes the files of a backup into a directory and compares them with the manifest.
func unpack(ctx context.Context, in *os.File, into string, bar *progressBar) (m manifest, err error) {
	info, err := in.Stat()
	if err != nil {
		return m, err
	}
	sums := map[string]string{}
	archive := tar.NewReader(in)
	var done int64
	for {
		header, err := archive.Next()
		switch {
		case err == io.EOF:
			return m, fmt.Errorf("%s is no whole backup: its manifest is missing", in.Name())
		case err != nil:
			return m, fmt.Errorf("%s is no backup of labhook: %w", in.Name(), err)
		case header.Typeflag == tar.TypeReg && header.Name == manifestName:
			if err := json.NewDecoder(io.LimitReader(archive, maxSmallEntry)).Decode(&m); err != nil {
				return m, fmt.Errorf("read %s: %w", manifestName, err)
			}
			return m, compare(&m, sums)
		case header.Typeflag != tar.TypeReg, sums[header.Name] != "", header.Name != db.FileName && header.Name != db.KeyFileName,
			header.Name == db.KeyFileName && header.Size > maxSmallEntry:
			return m, fmt.Errorf("%s is no backup of labhook: %q does not belong in it", in.Name(), header.Name)
		}
		sum, err := unpackFile(ctx, archive, filepath.Join(into, header.Name), func(part int64) {
			done += part
			bar.show(0.8*float64(done)/float64(info.Size()+1), "unpacking")
		})
		if err != nil {
			return m, fmt.Errorf("unpack %s: %w", header.Name, err)
		}
		sums[header.Name] = sum
	}
}

// compare returns an error unless the files that were unpacked are those of the manifest.
func compare(m *manifest, sums map[string]string) error {
	if m.Format != backupFormat {
		return fmt.Errorf("the backup has format %d, this labhook knows format %d; restore it with the version that made it, %s", m.Format, backupFormat, m.Version)
	}
	if sums[db.FileName] == "" {
		return errors.New("the backup has no database")
	}
	if len(sums) != len(m.SHA256) {
		return errors.New("the backup is damaged: a file is missing")
	}
	for name, sum := range m.SHA256 {
		if sums[name] != sum {
			return fmt.Errorf("the backup is damaged: %s is not what was written", name)
		}
	}
	return nil
}

func unpackFile(ctx context.Context, from io.Reader, to string, progress func(int64)) (string, error) {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	sum := &summing{ctx: ctx, hash: sha256.New(), progress: progress}
	_, err = io.Copy(io.MultiWriter(out, sum), from)
	return sum.text(), errors.Join(err, out.Sync(), out.Close())
}

// addKey puts the key file that was named beside the database of a backup that has none.
func addKey(work, key string) error {
	place := filepath.Join(work, db.KeyFileName)
	_, err := os.Stat(place)
	switch {
	case err == nil && key != "":
		return errors.New("the backup has its key file, leave out --key-file")
	case err == nil:
		return nil
	case key == "":
		return errors.New("the backup was made without labhook.key; name that file with --key-file")
	}
	text, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(place, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return errors.Join(err, out.Sync(), out.Close())
}
