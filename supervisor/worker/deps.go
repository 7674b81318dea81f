package worker

import (
	"sync"

	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
	"gorun/supervisor/logs"
)

// Deps is what all workers work with. Safe for concurrent use.
type Deps struct {
	invocation.Deps
	Output *logs.Output
	Slots  chan struct{} // places for workers that start at the same time
	OOM    *OOMKills
	Hooks  *hooks.Dispatcher
	Host   string // this machine's name, for hooks
	// Launch starts an invocation: invocation.Start, unless a test has another.
	Launch func(invocation.Request) (*invocation.Invocation, error)
}

// OOMKills attributes deaths to the out-of-memory killer. Safe for concurrent use.
type OOMKills struct {
	Count func() uint64 // processes that it has killed in gorun's cgroup

	mu      sync.Mutex
	claimed uint64 // how many of them explain a worker's death already
}

// explains reports whether the memory limit explains the death of a process in
// whose time more were killed than before. Each kill explains one death: several
// workers may die of one shortage.
func (o *OOMKills) explains(before uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := max(o.claimed, before)
	if o.Count() <= known {
		return false
	}
	o.claimed = known + 1
	return true
}
