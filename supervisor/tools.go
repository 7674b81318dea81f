package supervisor

import (
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"gorun/signals/reaper"
	"gorun/supervisor/hooks"
	"gorun/supervisor/logs"
	"gorun/supervisor/usage"
)

// tools is what all workers share. Safe for concurrent use.
type tools struct {
	reaper    *reaper.Reaper
	output    *logs.Output
	log       *slog.Logger
	cgroup    usage.Cgroup
	slots     chan struct{} // places for workers that start at the same time
	uid       int           // gorun's own
	victims   func() uint64 // processes that the kernel has killed for want of memory
	journal   journal
	herald    *hooks.Dispatcher
	host      string        // this machine's name, for hooks
	ids       atomic.Int64  // the next pm_id
	turns     atomic.Int64  // phases that apps have come to
	questions atomic.Int64  // that workers were asked
	news      chan struct{} // an app has published something; at most one pending

	mu      sync.Mutex
	claimed uint64 // how many victims explain a worker's death already
}

func newTools(o Options) *tools {
	host, _ := os.Hostname() // it goes without
	return &tools{
		herald: hooks.New(hooks.Options{Log: o.Log}), host: host,
		reaper: o.Reaper, output: o.Output, log: o.Log, cgroup: o.Cgroup, victims: o.Cgroup.OOMKills,
		uid:   os.Geteuid(),
		slots: make(chan struct{}, max(o.Starting, 1)), news: make(chan struct{}, 1),
	}
}

// wake tells the supervisor that there is something new to see.
func (t *tools) wake() {
	select {
	case t.news <- struct{}{}:
	default: // what it has not looked at yet covers this
	}
}

// ranOutOfMemory tells whether the memory limit explains the death of a
// process in whose time there were more victims than before. Each victim
// explains one death: several workers may die of one shortage.
func (t *tools) ranOutOfMemory(before uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := max(t.claimed, before)
	if t.victims() <= known {
		return false
	}
	t.claimed = known + 1
	return true
}
