package enginetest

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"time"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream is the receiver's end of one request over HTTP/2.
type stream struct {
	frames *frames
	id     uint32
}

// frames writes frames, from several goroutines.
type frames struct {
	mu     sync.Mutex
	framer *h2.Framer
	buf    bytes.Buffer
	enc    *hpack.Encoder
}

// write writes frames and reports whether they were taken.
func (f *frames) write(what func(*h2.Framer) error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return what(f.framer) == nil
}

// block encodes header fields, given as names and values in turn.
func (f *frames) block(fields ...string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = f.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}) // into memory
	}
	return bytes.Clone(f.buf.Bytes())
}

// head sends the header of an answer.
func (s *stream) head(fields ...string) bool {
	block := s.frames.block(fields...)
	return s.frames.write(func(f *h2.Framer) error {
		return f.WriteHeaders(h2.HeadersFrameParam{StreamID: s.id, BlockFragment: block, EndHeaders: true})
	})
}

// data sends a part of the body.
func (s *stream) data(text string) bool {
	return s.frames.write(func(f *h2.Framer) error { return f.WriteData(s.id, false, []byte(text)) })
}

// reset ends the stream with an error.
func (s *stream) reset(code h2.ErrCode) bool {
	return s.frames.write(func(f *h2.Framer) error { return f.WriteRSTStream(s.id, code) })
}

// fieldsWithoutEnd sends a header that begins with block, or trailers when there is none, and does not end.
func (s *stream) fieldsWithoutEnd(block []byte) {
	s.frames.write(func(f *h2.Framer) error {
		err := f.WriteHeaders(h2.HeadersFrameParam{StreamID: s.id, BlockFragment: block, EndStream: block == nil})
		var buf bytes.Buffer
		enc := hpack.NewEncoder(&buf)
		for err == nil {
			buf.Reset()
			_ = enc.WriteField(hpack.HeaderField{Name: "x-many", Value: strings.Repeat("x", 1000), Sensitive: true}) // into memory
			err = f.WriteContinuation(s.id, false, buf.Bytes())
		}
		return err
	})
}

// over2 speaks HTTP/2 with the settings, and calls answer with each request.
func over2(answer func(*line, *stream), settings ...h2.Setting) func(*line) {
	return func(l *line) {
		preface := make([]byte, len(h2.ClientPreface))
		if _, err := io.ReadFull(l.in, preface); err != nil {
			return
		}
		f := &frames{framer: h2.NewFramer(l, l.in)}
		f.enc = hpack.NewEncoder(&f.buf)
		var answering sync.WaitGroup
		defer answering.Wait()
		// Written on goroutines of their own: reading must go on meanwhile.
		begun := make(chan struct{})
		answering.Go(func() {
			defer close(begun)
			f.write(func(fr *h2.Framer) error { return fr.WriteSettings(settings...) })
		})
		for {
			frame, err := f.framer.ReadFrame()
			if err != nil {
				l.hangUp()
				return
			}
			switch frame := frame.(type) {
			case *h2.SettingsFrame:
				if !frame.IsAck() {
					answering.Go(func() { f.write((*h2.Framer).WriteSettingsAck) })
				}
			case *h2.PingFrame:
				if data := frame.Data; !frame.IsAck() {
					answering.Go(func() { f.write(func(fr *h2.Framer) error { return fr.WritePing(true, data) }) })
				}
			case *h2.HeadersFrame:
				s := &stream{frames: f, id: frame.StreamID}
				answering.Go(func() {
					<-begun
					answer(l, s)
				})
			}
		}
	}
}

// each calls what again and again, with a pause that lets time pass, until it reports that it is over.
func each(pause time.Duration, what func() bool) {
	for what() {
		time.Sleep(pause)
	}
}

// behaviours2 are those of HTTP/2.
var behaviours2 = []Behaviour{
	{Name: "HTTP/2: never answers", speaks: http2, answer: over2(func(*line, *stream) {})},
	{Name: "HTTP/2: takes no body", speaks: http2, answer: over2(func(*line, *stream) {}, h2.Setting{ID: h2.SettingInitialWindowSize, Val: 0})},
	{Name: "HTTP/2: takes no stream", speaks: http2, answer: over2(func(*line, *stream) {}, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Val: 0})},
	{Name: "HTTP/2: resets the stream", speaks: http2, answer: over2(func(_ *line, s *stream) { s.reset(h2.ErrCodeInternal) })},
	{Name: "HTTP/2: resets in the body", speaks: http2, answer: over2(func(_ *line, s *stream) {
		_ = s.head(":status", "200") && s.data("short") && s.reset(h2.ErrCodeInternal)
	})},
	{Name: "HTTP/2: refuses each stream", speaks: http2, answer: over2(func(_ *line, s *stream) { s.reset(h2.ErrCodeRefusedStream) })},
	{Name: "HTTP/2: goes away", speaks: http2, answer: over2(func(l *line, s *stream) {
		s.frames.write(func(f *h2.Framer) error { return f.WriteGoAway(0, h2.ErrCodeNo, nil) })
		l.hangUp()
	})},
	{Name: "HTTP/2: goes away in the body", speaks: http2, answer: over2(func(l *line, s *stream) {
		_ = s.head(":status", "200") && s.data("short")
		s.frames.write(func(f *h2.Framer) error { return f.WriteGoAway(s.id, h2.ErrCodeInternal, []byte("debug")) })
		l.hangUp()
	})},
	{Name: "HTTP/2: endless body", speaks: http2, answer: over2(func(_ *line, s *stream) {
		// As much as the other side lets it send, and no end.
		for n := s.head(":status", "200"); n; n = s.data(strings.Repeat("x", 1<<10)) {
			time.Sleep(time.Millisecond)
		}
	})},
	{Name: "HTTP/2: heeds no window", speaks: http2, answer: over2(func(_ *line, s *stream) {
		for n := s.head(":status", "200"); n; n = s.data(strings.Repeat("x", 1<<14)) {
		}
	})},
	{Name: "HTTP/2: dribbles the body", speaks: http2, answer: over2(func(_ *line, s *stream) {
		if s.head(":status", "200") {
			each(time.Second, func() bool { return s.data("x") })
		}
	})},
	{Name: "HTTP/2: empty frames without end", speaks: http2, answer: over2(func(_ *line, s *stream) {
		if s.head(":status", "200") {
			each(time.Millisecond, func() bool { return s.data("") })
		}
	})},
	{Name: "HTTP/2: endless headers", speaks: http2, answer: over2(func(_ *line, s *stream) {
		s.fieldsWithoutEnd(s.frames.block(":status", "200"))
	})},
	{Name: "HTTP/2: header bomb", speaks: http2, answer: over2(func(_ *line, s *stream) {
		// One long header in the table, and thousands of references of a byte each.
		fields, long := []string{":status", "200"}, strings.Repeat("x", 3000)
		for range 10_000 {
			fields = append(fields, "x-bomb", long)
		}
		s.head(fields...)
	})},
	{Name: "HTTP/2: informational answers without end", speaks: http2, answer: over2(func(_ *line, s *stream) {
		each(time.Millisecond, func() bool { return s.head(":status", "103", "link", "</style.css>") })
	})},
	{Name: "HTTP/2: endless trailers", speaks: http2, answer: over2(func(_ *line, s *stream) {
		if s.head(":status", "200", "trailer", "x-many") && s.data("ok") {
			s.fieldsWithoutEnd(nil)
		}
	})},
	{Name: "HTTP/2: pings without end", speaks: http2, answer: over2(func(_ *line, s *stream) {
		each(10*time.Millisecond, func() bool {
			return s.frames.write(func(f *h2.Framer) error { return f.WritePing(false, [8]byte{}) })
		})
	})},
	{Name: "HTTP/2: settings without end", speaks: http2, answer: over2(func(_ *line, s *stream) {
		each(10*time.Millisecond, func() bool {
			return s.frames.write(func(f *h2.Framer) error { return f.WriteSettings() })
		})
	})},
	{Name: "HTTP/2: pushes", speaks: http2, answer: over2(func(_ *line, s *stream) {
		block := s.frames.block(":method", "GET", ":scheme", "https", ":authority", HostileHost, ":path", "/pushed")
		s.frames.write(func(f *h2.Framer) error {
			return f.WritePushPromise(h2.PushPromiseParam{StreamID: s.id, PromiseID: 2, BlockFragment: block, EndHeaders: true})
		})
	})},
	{Name: "HTTP/2: status 000", speaks: http2, answer: over2(func(_ *line, s *stream) { s.head(":status", "000") })},
	{Name: "HTTP/2: no status", speaks: http2, answer: over2(func(_ *line, s *stream) { s.head("x-status", "200") })},
	{Name: "HTTP/2: garbage", speaks: http2, answer: func(l *line) {
		if _, err := io.ReadFull(l.in, make([]byte, len(h2.ClientPreface))); err == nil {
			l.forever("HTTP/1.1 200 OK\r\n\r\n")
		}
	}},
}
