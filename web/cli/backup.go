package cli

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"labhook/db"
)

// A backup is a tar archive of the database, the key file and, last, a manifest by which both are checked.
const (
	manifestName  = "labhook-backup.json"
	backupFormat  = 1
	maxSmallEntry = 64 << 10 // bytes of the key file and of the manifest
)

// manifest says what a backup holds.
type manifest struct {
	Format    int       `json:"format"`
	Version   string    `json:"labhook_version"`
	Schema    int       `json:"schema"`
	CreatedAt time.Time `json:"created_at"`
	// SHA256 has the sum of each file in hex, by its name.
	SHA256 map[string]string `json:"sha256"`
}

// Backup writes the data of a server, running or not, into one file.
func Backup(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, "backup", "write the database and its key into one file, also while the server runs; the file opens all secrets in it, keep it as safe as the data directory")
	f.arguments = []string{"FILE"}
	data := f.String("data", DefaultData, "`DIR` of the server's database")
	bare := f.Bool("without-key", false, "leave out labhook.key; restore then asks for it with --key-file")
	f.fromEnv = []string{"data"}
	f.example = "labhook backup --data /var/lib/labhook /backups/labhook-2026-11-20.tar"
	if err := f.parse(args); err != nil {
		return err
	}
	file := f.given[0]
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("%s is there already, and is not overwritten", file)
		}
		return err
	}
	if _, err := os.Stat(filepath.Join(*data, db.FileName)); errors.Is(err, fs.ErrNotExist) {
		return noDatabase(*data)
	}
	bar := newProgressBar(env)
	m, size, err := backup(ctx, env.Version, *data, file, !*bare, bar.show)
	bar.clear()
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	fmt.Fprintf(env.Stderr, "%s: %s, schema %d, checked.\n", file, byteSize(size), m.Schema)
	if *bare {
		fmt.Fprintf(env.Stderr, "It is of no use without %s: keep that, too.\n", filepath.Join(*data, db.KeyFileName))
	}
	return nil
}

// backup makes the file under another name beside its place, and moves it there when it is whole and on disk.
func backup(ctx context.Context, version, data, file string, withKey bool, show func(done float64, what string)) (m manifest, size int64, err error) {
	dir := filepath.Dir(file)
	work, err := os.MkdirTemp(dir, ".labhook-backup-")
	if err != nil {
		return m, 0, err
	}
	defer os.RemoveAll(work)
	m = manifest{Format: backupFormat, Version: version, CreatedAt: time.Now().UTC().Truncate(time.Second)}
	database, key := filepath.Join(work, db.FileName), filepath.Join(data, db.KeyFileName)
	copied, err := db.Copy(ctx, data, database, func(done float64) { show(0.7*done, "copying the database") })
	if err != nil {
		return m, 0, err
	}
	m.Schema = copied.Schema
	if err := db.CheckKey(ctx, database, key); err != nil {
		return m, 0, err
	}
	files := []string{database}
	if withKey {
		files = append(files, key)
	}
	packed := filepath.Join(work, "packed")
	var done int64
	size, err = pack(ctx, packed, files, &m, func(part int64) {
		done += part
		show(0.7+0.3*float64(done)/float64(copied.Size+1), "packing")
	})
	if err != nil {
		return m, 0, err
	}
	if err := os.Rename(packed, file); err != nil {
		return m, 0, err
	}
	return m, size, syncDir(dir)
}

// pack writes an archive of files with their manifest, and returns its size.
func pack(ctx context.Context, to string, files []string, m *manifest, progress func(int64)) (int64, error) {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	defer out.Close() // Sync says whether it was written
	archive := tar.NewWriter(out)
	m.SHA256 = map[string]string{}
	for _, file := range files {
		sum, err := packFile(ctx, archive, file, m.CreatedAt, progress)
		if err != nil {
			return 0, err
		}
		m.SHA256[filepath.Base(file)] = sum
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return 0, err
	}
	if err := archive.WriteHeader(entryHeader(manifestName, int64(len(text)), m.CreatedAt)); err != nil {
		return 0, err
	}
	if _, err := archive.Write(text); err != nil {
		return 0, err
	}
	if err := errors.Join(archive.Close(), out.Sync()); err != nil {
		return 0, err
	}
	info, err := out.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// packFile appends a file to an archive and returns its sum.
func packFile(ctx context.Context, archive *tar.Writer, file string, at time.Time, progress func(int64)) (string, error) {
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer in.Close() // it was only read
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	if err := archive.WriteHeader(entryHeader(filepath.Base(file), info.Size(), at)); err != nil {
		return "", err
	}
	sum := &summing{ctx: ctx, hash: sha256.New(), progress: progress}
	if _, err := io.Copy(archive, io.TeeReader(in, sum)); err != nil {
		return "", err
	}
	return sum.text(), nil
}

func entryHeader(name string, size int64, at time.Time) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX}
}

// summing sums what is written to it, tells of each part how long it is, and ends the writing when ctx ends.
type summing struct {
	ctx      context.Context
	hash     hash.Hash
	progress func(part int64) // in bytes
}

// Write sums a part.
func (s *summing) Write(part []byte) (int, error) {
	s.progress(int64(len(part)))
	s.hash.Write(part) // never fails
	return len(part), s.ctx.Err()
}

func (s *summing) text() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// syncDir puts the names in a directory on disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// byteSize writes a number of bytes for a person.
func byteSize(n int64) string {
	switch {
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
}
