package logs

import (
	"errors"
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

// Filter says which lines are asked for; the zero value wants all.
type Filter struct {
	Match   func(Identity) bool // nil: every worker; asked once for each worker and stream
	Streams []Stream            // empty: both
}

func (f Filter) wants(r *ring) bool {
	return (len(f.Streams) == 0 || slices.Contains(f.Streams, r.kind)) && (f.Match == nil || f.Match(r.id))
}

// History returns the last n lines that pass the filter, oldest first, as far as
// they are kept: 32 KiB of each stream of a worker. It lasts until the Worker is closed.
func (o *Output) History(f Filter, n int) []Line {
	return o.follower(f).last(n, math.MaxUint64)
}

// Flush empties the log files of the matching workers, which other workers may
// share, and forgets their lines; nil matches every worker.
func (o *Output) Flush(match func(Identity) bool) error {
	files := make(map[*file]struct{})
	for _, w := range *o.history.present() {
		if match != nil && !match(w.id) {
			continue
		}
		for _, f := range slices.Concat(o.outletOf(w).files[:]...) {
			files[f] = struct{}{}
		}
		for _, r := range w.kept {
			r.forget()
		}
	}
	var errs []error
	for f := range files {
		errs = append(errs, f.truncate())
	}
	return errors.Join(errs...)
}

// history is what the rings of an Output have in common.
type history struct {
	last    atomic.Uint64                 // line's number
	awaited atomic.Pointer[chan struct{}] // closed by the next line; nil: nobody waits

	mu      sync.Mutex                // of join and leave
	workers atomic.Pointer[[]*Worker] // never changed, but replaced
}

// take reserves n numbers and returns the first.
func (h *history) take(n int) uint64 {
	return h.last.Add(uint64(n)) - uint64(n) + 1
}

// news is closed after the next line. Who takes it before looking misses none.
func (h *history) news() <-chan struct{} {
	fresh := make(chan struct{})
	for {
		if h.awaited.CompareAndSwap(nil, &fresh) {
			return fresh
		}
		if awaited := h.awaited.Load(); awaited != nil {
			return *awaited
		}
	}
}

// announce comes after each ring.add. It costs a load while nobody waits.
func (h *history) announce() {
	if h.awaited.Load() == nil {
		return
	}
	if awaited := h.awaited.Swap(nil); awaited != nil {
		close(*awaited)
	}
}

// present never returns nil.
func (h *history) present() *[]*Worker {
	if workers := h.workers.Load(); workers != nil {
		return workers
	}
	return new([]*Worker)
}

func (h *history) join(w *Worker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	workers := append(slices.Clone(*h.present()), w)
	h.workers.Store(&workers)
}

func (h *history) leave(w *Worker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	workers := slices.DeleteFunc(slices.Clone(*h.present()), func(other *Worker) bool { return other == w })
	h.workers.Store(&workers)
}
