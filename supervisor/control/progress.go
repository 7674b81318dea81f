package control

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

// maxProgress is how many lines wait for a client that does not read. Later ones are
// dropped, but for the last.
const maxProgress = 10_000

// progressQueue has the lines of an order on their way to the client. Adding never
// waits: a suspended terminal does not hold up the order.
type progressQueue struct {
	more chan struct{} // holds one when there is something to take

	mu    sync.Mutex
	lines []client.Progress
	err   error // how the order ended; valid with the last line
}

func newProgressQueue() *progressQueue { return &progressQueue{more: make(chan struct{}, 1)} }

func (q *progressQueue) add(p status.Progress) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) < maxProgress {
		q.push(progressOf(p))
	}
}

func (q *progressQueue) finish(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	last := client.Progress{Done: true}
	if err != nil {
		last.Error = err.Error()
	}
	q.err = err
	q.push(last)
}

func (q *progressQueue) push(line client.Progress) {
	q.lines = append(q.lines, line)
	select {
	case q.more <- struct{}{}:
	default: // what was put there covers this one
	}
}

func (q *progressQueue) take() ([]client.Progress, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines := q.lines
	q.lines = nil
	return lines, q.err
}

// copy sends the lines as they come. An order that fails before its first line
// becomes an answer with a status.
func (q *progressQueue) copy(ctx context.Context, s *stream) error {
	for {
		select {
		case <-q.more:
		case <-ctx.Done():
			return nil // the client has disconnected
		}
		lines, err := q.take()
		for _, line := range lines {
			if line.Done && err != nil && !s.opened {
				return err
			}
			if gone := s.send(line); gone != nil || line.Done {
				return nil //nolint:nilerr // the client has disconnected
			}
		}
	}
}

// orderFunc is an order with everything but its context and its listener.
type orderFunc func(ctx context.Context, report func(status.Progress)) error

// runOrder carries an order out to its end, whether the client stays connected or
// not, and sends its progress.
func (a *api) runOrder(w http.ResponseWriter, r *http.Request, do orderFunc) error {
	if isClosed(a.ending) || !a.requests.add() {
		return errEnding
	}
	ctx, cancel := a.detachedContext(r.Context())
	queue := newProgressQueue()
	go func() {
		defer a.requests.done()
		defer cancel()
		err := do(ctx, queue.add)
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			err = errEnding
		}
		queue.finish(err)
	}()
	return queue.copy(r.Context(), &stream{w: w})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
