package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// compressFrom is the least number of bytes worth compressing: below it an answer fits into one packet as it is.
const compressFrom = 1400

// compressors are kept: each has tables of several hundred kilobytes. The fastest level makes lists a tenth of their
// size already.
var compressors = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return w
}}

// compressed returns HTML as it is to be sent, and says so in the header. What must not be stored is not compressed
// either: it may show a secret, and its length would tell of it.
func compressed(h http.Header, r *http.Request, html []byte) []byte {
	h.Add("Vary", "Accept-Encoding")
	if len(html) < compressFrom || h.Get("Cache-Control") == "no-store" || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return html
	}
	var packed bytes.Buffer
	w := compressors.Get().(*gzip.Writer)
	defer compressors.Put(w)
	w.Reset(&packed)
	_, _ = w.Write(html) // a bytes.Buffer takes everything
	_ = w.Close()
	h.Set("Content-Encoding", "gzip")
	return packed.Bytes()
}
