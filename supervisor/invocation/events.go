package invocation

import (
	"sync"
	"time"

	"gorun/health"
)

// Kind is what happened to an invocation.
type Kind int

// The kinds of events.
const (
	Exited           Kind = iota // its program has ended by itself
	Listening                    // it listens on an address of its app
	Ready                        // it has reported that it is ready: READY=1, process.send('ready')
	Checked                      // the health check has a result: Check
	Alive                        // WATCHDOG=1: resets the watchdog, and is in no stream
	WatchdogExpired              // no WATCHDOG=1 in time
	Stopping                     // STOPPING=1: it has begun to end by itself
	Extended                     // EXTEND_TIMEOUT_USEC: it needs Extend more, from now
	DeadlineExceeded             // the time given to SetDeadline is over
)

// Event is something that happened to an invocation.
type Event struct {
	Kind   Kind
	Check  health.Result // of Checked
	Extend time.Duration // of Extended
}

// stream hands events on in their order, each once. Posting never waits for the
// reader: whoever posts may be in the middle of answering the program.
type stream struct {
	out    chan Event
	posted chan struct{} // something was; at most one pending
	closed chan struct{}
	close  func()

	mu    sync.Mutex
	queue []Event
}

func newStream() *stream {
	s := &stream{out: make(chan Event), posted: make(chan struct{}, 1), closed: make(chan struct{})}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	return s
}

// post queues an event. Of those that are repeated at will only the latest waits.
func (s *stream) post(e Event) {
	s.mu.Lock()
	s.queue = merge(s.queue, e)
	s.mu.Unlock()
	select {
	case s.posted <- struct{}{}:
	default:
	}
}

// merge appends an event, or replaces one that it makes worthless.
func merge(queue []Event, e Event) []Event {
	if e.Kind == Extended || e.Kind == Stopping || e.Kind == WatchdogExpired || e.Kind == DeadlineExceeded {
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
	var next []Event // one at the most
	for {
		var out chan<- Event
		var event Event
		if next = s.take(next); len(next) > 0 {
			out, event = s.out, next[0]
		}
		select {
		case <-s.posted:
		case <-exited:
			exited = nil
			s.post(Event{Kind: Exited})
		case out <- event:
			next = nil
		case <-s.closed:
			return
		}
	}
}

// take returns what is to be handed on next, out of the queue if it is nothing yet.
func (s *stream) take(next []Event) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(next) == 0 && len(s.queue) > 0 {
		next, s.queue = s.queue[:1:1], s.queue[1:]
	}
	return next
}
