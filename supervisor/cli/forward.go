package cli

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// maxForwards is how many signals may wait to be forwarded.
const maxForwards = 128

// forwards is the queue of signals on their way to the workers. To forward one may
// take a look at every process of the container, which the signal loop cannot wait
// for. The goroutine of run owns that; add may be called by any other.
type forwards struct {
	more chan struct{} // holds one when something waits

	mu      sync.Mutex
	waiting []unix.Signal // in the order in which they came
}

func newForwards() *forwards { return &forwards{more: make(chan struct{}, 1)} }

// add never waits. A full queue does as the kernel does with signals that are
// pending (signal(7)): of a standard signal it keeps one, and no more real-time
// signals.
func (f *forwards) add(sig unix.Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) >= maxForwards && (isRealTime(sig) || slices.Contains(f.waiting, sig)) {
		return
	}
	f.waiting = append(f.waiting, sig)
	select {
	case f.more <- struct{}{}:
	default: // what is there covers this one
	}
}

func isRealTime(sig unix.Signal) bool { return sig >= 32 }

// run forwards until ctx ends.
func (f *forwards) run(ctx context.Context, forward func(unix.Signal)) {
	for {
		select {
		case <-f.more:
		case <-ctx.Done():
			return
		}
		for _, sig := range f.take() {
			forward(sig)
		}
	}
}

func (f *forwards) take() []unix.Signal {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.waiting
	f.waiting = nil
	return all
}

// inBackground returns a function that has do run in a goroutine and never waits:
// one run at a time, and one more for all requests that come meanwhile. ctx ends
// the goroutine.
func inBackground(ctx context.Context, do func()) (request func()) {
	wanted := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-wanted:
				do()
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		select {
		case wanted <- struct{}{}:
		default: // a run that has not begun covers this one
		}
	}
}
