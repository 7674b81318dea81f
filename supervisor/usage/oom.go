package usage

import "sync"

// OOMKills attributes deaths to the out-of-memory killer. Safe for concurrent use.
type OOMKills struct {
	Count func() uint64 // processes that it has killed in gorun's cgroup

	mu      sync.Mutex
	claimed uint64 // how many of them explain a death already
}

// Explain reports whether the memory limit explains the death of a process in
// whose time more were killed than before. Each kill explains one death: several
// workers may die of one shortage.
func (o *OOMKills) Explain(before uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := max(o.claimed, before)
	if o.Count() <= known {
		return false
	}
	o.claimed = known + 1
	return true
}
