package endpoint

import (
	"sync"
	"sync/atomic"

	"gorun/supervisor/invocation/event"
)

// eventBuffer hands on what is heard of the run. What comes before somebody reads it
// is kept. Safe for concurrent use.
type eventBuffer struct {
	listening chan struct{} // closed: it listens
	listened  atomic.Bool
	ready     atomic.Bool // it has reported that it is

	mu    sync.Mutex
	early []event.Event
	post  func(event.Event) // nil: nobody reads yet
}

func (r *eventBuffer) send(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.post == nil {
		r.early = append(r.early, e)
		return
	}
	r.post(e)
}

// open hands on what has come so far, and then what comes.
func (r *eventBuffer) open(post func(event.Event)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.early {
		post(e)
	}
	r.early, r.post = nil, post
}

// markListening reports that the run listens on one more address.
func (r *eventBuffer) markListening() {
	if r.listened.CompareAndSwap(false, true) {
		close(r.listening)
	}
	r.send(event.Event{Kind: event.Listening})
}

// markReady reports that the run said so, once.
func (r *eventBuffer) markReady() {
	if r.ready.CompareAndSwap(false, true) {
		r.send(event.Event{Kind: event.Ready})
	}
}
