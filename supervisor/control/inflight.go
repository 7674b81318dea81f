package control

import (
	"context"
	"sync"
)

// inFlight counts the requests and orders under way. None is added once it is
// waited for.
type inFlight struct {
	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

// add returns false where there is no adding any more.
func (f *inFlight) add() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.group.Add(1)
	return true
}

func (f *inFlight) done() { f.group.Done() }

// wait refuses further ones and waits until those under way are done, or ctx is
// over.
func (f *inFlight) wait(ctx context.Context) {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	empty := make(chan struct{})
	go func() {
		f.group.Wait()
		close(empty)
	}()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}
