package logs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// queueBytes is how many bytes of gorun's own lines wait for a stalled stderr.
const queueBytes = 256 << 10

// writeQueue holds gorun's own lines on their way to stderr. Writing to it never
// waits; when it is full the newest lines are dropped: the oldest name the cause.
type writeQueue struct {
	wake    chan struct{} // holds a token while there is something to take
	closing chan struct{} // closed: write what is there, then end
	end     func()        // closes closing, once
	done    chan struct{} // closed: run has ended

	mu   sync.Mutex // guards the rest
	text []byte
	lost int
}

func newWriteQueue() *writeQueue {
	q := &writeQueue{wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{})}
	q.end = sync.OnceFunc(func() { close(q.closing) })
	return q
}

// run writes to stderr until close, or until quit cuts a write short.
func (q *writeQueue) run(stderr *writer, quit <-chan struct{}, log *slog.Logger) {
	defer close(q.done)
	for open := true; open; {
		select {
		case <-q.wake:
		case <-q.closing:
			open = false
		}
		for text := q.take(); len(text) > 0 && stderr.write(quit, q, text); text = q.take() {
			if n := q.dropped(); n > 0 {
				log.Warn("lines of gorun were dropped while stderr was stalled", "count", n)
			}
		}
	}
}

// close returns when all is written, or ctx is over.
func (q *writeQueue) close(ctx context.Context) error {
	q.end()
	if !reached(ctx, q.done) {
		return fmt.Errorf("write gorun's own lines: %w", ctx.Err())
	}
	return nil
}

// Write takes one whole record.
func (q *writeQueue) Write(record []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.text) > 0 && len(q.text)+len(record) > queueBytes {
		q.lost++
		return len(record), nil
	}
	q.text = append(q.text, record...)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return len(record), nil
}

func (q *writeQueue) take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	text := q.text
	q.text = nil
	return text
}

// dropped returns how many records were dropped since its last call.
func (q *writeQueue) dropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.lost
	q.lost = 0
	return n
}
