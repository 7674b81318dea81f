package control

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

// maxProgress is how many lines wait for a client that does not read; later ones are
// dropped, but for the last.
const maxProgress = 10_000

// progressQueue is what is told while an order is carried out. Telling never waits: a
// terminal that is held up does not hold up the order.
type progressQueue struct {
	more chan struct{} // holds one when there is something to take

	mu    sync.Mutex
	lines []client.Progress
	err   error // how the order ended; valid with the last line
}

func newProgressQueue() *progressQueue { return &progressQueue{more: make(chan struct{}, 1)} }

func (n *progressQueue) tell(p status.Progress) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.lines) < maxProgress {
		n.add(progressOf(p))
	}
}

func (n *progressQueue) finish(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := client.Progress{Done: true}
	if err != nil {
		last.Error = err.Error()
	}
	n.err = err
	n.add(last)
}

func (n *progressQueue) add(line client.Progress) {
	n.lines = append(n.lines, line)
	select {
	case n.more <- struct{}{}:
	default: // what was put there covers this one
	}
}

func (n *progressQueue) take() ([]client.Progress, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines := n.lines
	n.lines = nil
	return lines, n.err
}

// copy sends the lines as they come. An order that fails before it has told
// anything is an answer with a status.
func (n *progressQueue) copy(ctx context.Context, s *stream) error {
	for {
		select {
		case <-n.more:
		case <-ctx.Done():
			return nil // the client has gone
		}
		lines, err := n.take()
		for _, line := range lines {
			if line.Done && err != nil && !s.begun {
				return err
			}
			if gone := s.send(line); gone != nil || line.Done {
				return nil //nolint:nilerr // nobody is left to tell
			}
		}
	}
}

// work is an order with everything but its context and its listener.
type work func(ctx context.Context, tell func(status.Progress)) error

// carryOut does the work to its end, whether the client stays to hear of it or
// not, and tells how it goes.
func (a *api) carryOut(w http.ResponseWriter, r *http.Request, do work) error {
	if isClosed(a.ending) || !a.under.enter() {
		return errEnding
	}
	ctx, cancel := a.outlive(r.Context())
	n := newProgressQueue()
	go func() {
		defer a.under.leave()
		defer cancel()
		err := do(ctx, n.tell)
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			err = errEnding
		}
		n.finish(err)
	}()
	return n.copy(r.Context(), &stream{w: w})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
