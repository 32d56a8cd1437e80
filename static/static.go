// Package static holds the files that the pages load: the style sheet, our script and htmx. They are part of the
// binary. Each has the hash of its content in its URL, so a browser may keep it for ever and a new version has a
// new URL.
//
// Place in the flow: views writes the URLs into the pages, web mounts Handler.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"
)

// Prefix is where Handler is mounted.
const Prefix = "/static/"

//go:embed app.css app.js htmx.min.js
var files embed.FS

// asset is one file, ready to be sent.
type asset struct {
	url         string
	etag        string
	contentType string
	plain       []byte
	gzip        []byte
}

// byName and byURL are all files; they are made once and never change.
var byName, byURL = load()

func load() (byName, byURL map[string]*asset) {
	byName, byURL = map[string]*asset{}, map[string]*asset{}
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the files are embedded
	}
	for _, entry := range entries {
		content, err := files.ReadFile(entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		hash := hex.EncodeToString(sum[:8])
		ext := path.Ext(entry.Name())
		a := &asset{
			url:         Prefix + strings.TrimSuffix(entry.Name(), ext) + "." + hash + ext,
			etag:        `"` + hash + `"`,
			contentType: mime.TypeByExtension(ext),
			plain:       content,
			gzip:        compress(content),
		}
		byName[entry.Name()], byURL[a.url] = a, a
	}
	return byName, byURL
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(content)                               // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// URL returns the path of a file with its content's hash: "app.css" gives "/static/app.3f0c….css". It panics when
// there is no such file.
func URL(name string) string {
	a := byName[name]
	if a == nil {
		panic(fmt.Sprintf("static: no file %q", name))
	}
	return a.url
}

// Handler serves the files under Prefix.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := byURL[r.URL.Path]
		if a == nil {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.contentType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("ETag", a.etag)
		h.Set("Vary", "Accept-Encoding")
		if r.Header.Get("If-None-Match") == a.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		body := a.plain
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.gzip
		}
		h.Set("Content-Length", fmt.Sprint(len(body)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(body) // the browser went away: nothing to be done
		}
	})
}
