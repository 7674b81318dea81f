package monit

import (
	"fmt"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
)

const (
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J" // another page, without cursor and line wrap
	leave = "\x1b[m\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// terminal draws on a real terminal in raw mode.
type terminal struct {
	in, out *os.File
	before  *term.State
	shown   []string // what is on it; nil: unknown
}

func open(in, out *os.File) (*terminal, error) {
	before, err := term.MakeRaw(in.Fd())
	if err != nil {
		return nil, fmt.Errorf("take over the terminal: %w", err)
	}
	t := &terminal{in: in, out: out, before: before}
	if _, err := out.WriteString(enter); err != nil {
		t.close()
		return nil, fmt.Errorf("write to the terminal: %w", err)
	}
	return t, nil
}

// close gives the terminal back as it was.
func (t *terminal) close() {
	_, _ = t.out.WriteString(leave)       // the terminal may be gone
	_ = term.Restore(t.in.Fd(), t.before) // likewise
}

func (t *terminal) size() (width, height int) {
	width, height, err := term.GetSize(t.out.Fd())
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24 // some serial lines do not know
	}
	return width, height
}

// draw writes the lines that have changed.
func (t *terminal) draw(lines []string) error {
	var b strings.Builder
	if len(lines) != len(t.shown) {
		b.WriteString("\x1b[2J")
		t.shown = nil
	}
	for i, line := range lines {
		if t.shown == nil || t.shown[i] != line {
			fmt.Fprintf(&b, "\x1b[%d;1H%s\x1b[m\x1b[K", i+1, line)
		}
	}
	t.shown = lines
	if b.Len() == 0 {
		return nil
	}
	if _, err := t.out.WriteString(b.String()); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}

// forget makes the next draw write everything: a new size moves what was there.
func (t *terminal) forget() { t.shown = nil }
