package logs

import (
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	tailBytes = 4 << 10
	tailLines = 10
)

// tail keeps the end of a stream, for the report of a crash.
type tail struct {
	mu  sync.Mutex // never held while waiting
	buf []byte
	cut bool // there was more before buf
}

func (t *tail) add(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p) > tailBytes {
		p = p[len(p)-tailBytes:]
		t.cut = true
	}
	if len(t.buf)+len(p) > 2*tailBytes {
		keep := t.buf[max(0, len(t.buf)-tailBytes):]
		t.buf = t.buf[:copy(t.buf, keep)]
		t.cut = true
	}
	t.buf = append(t.buf, p...)
}

// lines returns the last lines; one that lost its start begins with an ellipsis.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, cut := t.buf, t.cut
	const room = tailBytes - len("…")
	if len(end) > room {
		end, cut = end[len(end)-room:], true
	}
	for cut && len(end) > 0 && !utf8.RuneStart(end[0]) {
		end = end[1:]
	}
	text := strings.TrimRight(string(end), "\r\n")
	if text == "" {
		return nil
	}
	if cut {
		text = "…" + text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines[max(0, len(lines)-tailLines):]
}
