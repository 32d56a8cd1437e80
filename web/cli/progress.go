package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// progressBar is a line on a terminal that shows how much is done. On anything else it shows nothing. It is never
// coloured.
type progressBar struct {
	w       io.Writer
	columns int
	last    string // what is shown; empty: nothing is
}

// newProgressBar returns a bar on standard error.
func newProgressBar(env Env) *progressBar {
	f, ok := env.Stderr.(*os.File)
	if !ok || env.Getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return &progressBar{w: io.Discard}
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 {
		columns = 80
	}
	return &progressBar{w: f, columns: columns}
}

// barWidth is how many characters the bar has.
const barWidth = 30

// show draws the bar, done from 0 to 1, unless it would look the same. What does not fit into the line is cut off.
func (b *progressBar) show(done float64, what string) {
	if b.w == io.Discard {
		return
	}
	done = min(max(done, 0), 1)
	full := int(done * barWidth)
	line := fmt.Sprintf("[%s%s] %3.0f %%  %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*done, printable(what))
	for utf8.RuneCountInString(line) >= b.columns && line != "" {
		_, size := utf8.DecodeLastRuneInString(line)
		line = line[:len(line)-size]
	}
	if line != b.last {
		fmt.Fprint(b.w, "\r\x1b[K"+line)
		b.last = line
	}
}

// clear removes the bar.
func (b *progressBar) clear() {
	if b.last != "" {
		fmt.Fprint(b.w, "\r\x1b[K")
		b.last = ""
	}
}
