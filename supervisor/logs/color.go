package logs

import (
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

const colorOff = "\x1b[0m"

// palette is given out in order, one colour per app; red is left for errors.
var palette = [...]string{"\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[93m", "\x1b[92m", "\x1b[95m", "\x1b[94m"}

// labels make the tags of all workers equally wide, and give each app a colour of its own.
type labels struct {
	width atomic.Int64 // of the longest label so far

	mu     sync.Mutex
	colors map[string]string // by app, in order of appearance; nil: there are none
}

// add makes room for a worker's label, and returns its app's colour.
func (l *labels) add(app, label string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.width.Store(max(l.width.Load(), int64(utf8.RuneCountInString(label))))
	if l.colors == nil {
		return ""
	}
	if _, known := l.colors[app]; !known {
		l.colors[app] = palette[len(l.colors)%len(palette)]
	}
	return l.colors[app]
}
