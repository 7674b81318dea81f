package metrics

import (
	"sync"

	"gorun/supervisor/status"
)

// sampler takes Samples of a source; callers at the same time share one. Safe for
// concurrent use.
type sampler struct {
	source  Source
	mu      sync.Mutex
	pending *sample // nil: none is being taken
}

type sample struct {
	done     chan struct{} // closed when the snapshot is there
	snapshot status.Snapshot
}

func (s *sampler) sample() status.Snapshot {
	s.mu.Lock()
	if shared := s.pending; shared != nil {
		s.mu.Unlock()
		<-shared.done
		return shared.snapshot
	}
	own := &sample{done: make(chan struct{})}
	s.pending = own
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.pending = nil
		s.mu.Unlock()
		close(own.done)
	}()
	own.snapshot = s.source.Sample()
	return own.snapshot
}
