package record

import (
	"sync"
	"time"

	"gorun/supervisor/invocation"
	"gorun/supervisor/process"
)

// meter adds up the CPU time of all invocations of a worker, so that the sum never
// falls. Safe for concurrent use.
type meter struct {
	mu    sync.Mutex
	ended time.Duration                      // of runs that are over
	runs  map[*process.Process]time.Duration // of those that are not, at most
}

// begin opens a run.
func (m *meter) begin(p *process.Process) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runs == nil {
		m.runs = map[*process.Process]time.Duration{}
	}
	m.runs[p] = 0
}

// end closes a run that used at least cpu.
func (m *meter) end(p *process.Process, cpu time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended += max(m.runs[p], cpu)
	delete(m.runs, p)
}

// total returns the sum, with the run of p that has used cpu so far. One that
// is over by now is in the sum already.
func (m *meter) total(p *process.Process, cpu time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if used, runs := m.runs[p]; runs {
		m.runs[p] = max(used, cpu)
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
	if i == nil {
		return r.cpu.total(nil, used)
	}
	return r.cpu.total(i.Process(), used)
}
