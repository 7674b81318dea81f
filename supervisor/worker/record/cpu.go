package record

import (
	"sync"
	"time"

	"gorun/supervisor/invocation"
)

// cpuMeter adds up the CPU time of all invocations of a worker, so that the sum never
// falls. Safe for concurrent use.
type cpuMeter struct {
	mu    sync.Mutex
	ended time.Duration                            // of runs that are over
	runs  map[*invocation.Invocation]time.Duration // of those that are not, at most
}

// begin opens a run.
func (m *cpuMeter) begin(i *invocation.Invocation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runs == nil {
		m.runs = map[*invocation.Invocation]time.Duration{}
	}
	m.runs[i] = 0
}

// end closes a run that used at least cpu.
func (m *cpuMeter) end(i *invocation.Invocation, cpu time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended += max(m.runs[i], cpu)
	delete(m.runs, i)
}

// total returns the sum, with the run of i that has used cpu so far. One that
// is over by now is in the sum already.
func (m *cpuMeter) total(i *invocation.Invocation, cpu time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if used, runs := m.runs[i]; runs {
		m.runs[i] = max(used, cpu)
	}
	sum := m.ended
	for _, used := range m.runs {
		sum += used
	}
	return sum
}

// CPU is the CPU time of all invocations; used is what the processes of i have used so
// far, nil: none is there. Anybody may call it.
func (r *Record) CPU(i *invocation.Invocation, used time.Duration) time.Duration {
	return r.cpu.total(i, used)
}
