package invocation

import (
	"sync"

	"gorun/supervisor/invocation/event"
)

// stream hands events on in their order, each once. Posting never waits for the
// reader: whoever posts may be in the middle of answering the program.
type stream struct {
	out    chan event.Event
	posted chan struct{} // something was; at most one pending
	closed chan struct{}
	close  func()

	mu    sync.Mutex
	queue []event.Event
}

func newStream() *stream {
	s := &stream{out: make(chan event.Event), posted: make(chan struct{}, 1), closed: make(chan struct{})}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	return s
}

// post queues an event. Of those that are repeated at will only the latest waits.
func (s *stream) post(e event.Event) {
	s.mu.Lock()
	s.queue = merge(s.queue, e)
	s.mu.Unlock()
	select {
	case s.posted <- struct{}{}:
	default:
	}
}

// merge appends an event, or replaces one that it makes worthless.
func merge(queue []event.Event, e event.Event) []event.Event {
	if e.Kind == event.Extended || e.Kind == event.Stopping || e.Kind == event.WatchdogExpired || e.Kind == event.DeadlineExceeded {
		for i := range queue {
			if queue[i].Kind == e.Kind {
				queue[i] = e
				return queue
			}
		}
	}
	return append(queue, e)
}

// run hands on what is posted, and the exit of the program, until close.
func (s *stream) run(exited <-chan struct{}) {
	var next []event.Event // one at the most
	for {
		var out chan<- event.Event
		var first event.Event
		if next = s.take(next); len(next) > 0 {
			out, first = s.out, next[0]
		}
		select {
		case <-s.posted:
		case <-exited:
			exited = nil
			s.post(event.Event{Kind: event.Exited})
		case out <- first:
			next = nil
		case <-s.closed:
			return
		}
	}
}

// take returns what is to be handed on next, out of the queue if it is nothing yet.
func (s *stream) take(next []event.Event) []event.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(next) == 0 && len(s.queue) > 0 {
		next, s.queue = s.queue[:1:1], s.queue[1:]
	}
	return next
}
