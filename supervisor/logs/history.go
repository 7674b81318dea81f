package logs

import (
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Line is one line that a worker wrote.
type Line struct {
	Seq    uint64 // order over all workers of an Output, from 1, without gaps
	Time   time.Time
	Worker Identity
	Stream Stream
	Text   string // without the newline; may be invalid UTF-8; after 8 KiB an ellipsis
}

// Filter selects lines; the zero value selects all.
type Filter struct {
	Match   func(Identity) bool // nil: every worker; asked once for each worker and stream
	Streams []Stream            // empty: both
}

func (f Filter) accepts(r *ring) bool {
	return (len(f.Streams) == 0 || slices.Contains(f.Streams, r.kind)) && (f.Match == nil || f.Match(r.id))
}

// History returns the last n lines that pass the filter, oldest first. 32 KiB of
// each stream of a worker are kept, until the Worker is closed.
func (o *Output) History(f Filter, n int) []Line {
	return o.follower(f).last(n, math.MaxUint64)
}

// Flush empties the log files of the matching workers, which other workers may
// share, and their history; nil matches every worker. A file whose disk hangs holds
// up no other file; it is left as it is when ctx is over before the disk answers.
func (o *Output) Flush(ctx context.Context, match func(Identity) bool) error {
	files := make(map[*file]struct{})
	for _, w := range *o.history.current() {
		if match != nil && !match(w.id) {
			continue
		}
		for _, f := range slices.Concat(o.destinationOf(w).files[:]...) {
			files[f] = struct{}{}
		}
		for _, r := range w.rings {
			r.clear()
		}
	}
	return forEach(ctx, slices.Collect(maps.Keys(files)), func(f *file) error { return f.truncate(ctx) })
}

// history is the state that the rings of an Output share.
type history struct {
	last    atomic.Uint64                 // line's number
	waiting atomic.Pointer[chan struct{}] // closed by the next line; nil: no follower waits

	mu      sync.Mutex                // serialises add and remove
	workers atomic.Pointer[[]*Worker] // replaced, never modified
}

// reserve reserves n line numbers and returns the first.
func (h *history) reserve(n int) uint64 {
	return h.last.Add(uint64(n)) - uint64(n) + 1
}

// changed returns a channel that is closed after the next line. A caller that gets
// it before it reads the rings misses no line.
func (h *history) changed() <-chan struct{} {
	fresh := make(chan struct{})
	for {
		if h.waiting.CompareAndSwap(nil, &fresh) {
			return fresh
		}
		if waiting := h.waiting.Load(); waiting != nil {
			return *waiting
		}
	}
}

// notify wakes the followers; it is called after each ring.add. It costs one load while none waits.
func (h *history) notify() {
	if h.waiting.Load() == nil {
		return
	}
	if waiting := h.waiting.Swap(nil); waiting != nil {
		close(*waiting)
	}
}

// current returns the workers; never nil.
func (h *history) current() *[]*Worker {
	if workers := h.workers.Load(); workers != nil {
		return workers
	}
	return new([]*Worker)
}

func (h *history) add(w *Worker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	workers := append(slices.Clone(*h.current()), w)
	h.workers.Store(&workers)
}

func (h *history) remove(w *Worker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	workers := slices.DeleteFunc(slices.Clone(*h.current()), func(other *Worker) bool { return other == w })
	h.workers.Store(&workers)
}
