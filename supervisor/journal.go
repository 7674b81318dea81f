package supervisor

import (
	"context"
	"sync"
	"time"

	"gorun/supervisor/status"
)

// journalSize is how many events are kept for readers that come late.
const journalSize = 1000

// journal keeps the latest events. Safe for concurrent use; writing never waits
// for a reader.
type journal struct {
	mu     sync.Mutex
	events []status.Event // a ring
	last   uint64         // Seq of the latest
	more   chan struct{}  // closed with the next event; nil: nobody waits
}

// append appends an event. It never waits for a reader.
func (j *journal) append(e status.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	e.Seq, e.Time = j.last, time.Now()
	if len(j.events) < journalSize {
		j.events = append(j.events, e)
	} else {
		j.events[(j.last-1)%journalSize] = e
	}
	if j.more != nil {
		close(j.more)
		j.more = nil
	}
}

// latest returns the Seq of the latest event, 0 before the first.
func (j *journal) latest() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// since returns the events after a Seq that are still there, or what to wait
// for.
func (j *journal) since(after uint64) ([]status.Event, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	first := max(after, j.last-uint64(len(j.events))) + 1
	var found []status.Event
	for seq := first; seq <= j.last; seq++ {
		found = append(found, j.events[(seq-1)%journalSize])
	}
	if j.more == nil {
		j.more = make(chan struct{})
	}
	return found, j.more
}

// recent returns the latest n events, oldest first.
func (j *journal) recent(n int) []status.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	n = min(n, len(j.events))
	found := make([]status.Event, 0, n)
	for seq := j.last - uint64(n) + 1; seq <= j.last; seq++ {
		found = append(found, j.events[(seq-1)%journalSize])
	}
	return found
}

// Recent returns the latest n events, oldest first, without waiting.
func (s *Supervisor) Recent(n int) []status.Event { return s.journal.recent(n) }

// Events returns what happened after an event's Seq, 0 for all that is known:
// the latest thousand. It waits until there is something; the error is ctx's.
func (s *Supervisor) Events(ctx context.Context, after uint64) ([]status.Event, error) {
	for {
		events, more := s.journal.since(after)
		if len(events) > 0 {
			return events, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // as documented
		}
	}
}
