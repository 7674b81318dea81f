package worker

import (
	"sync"
	"time"

	"gorun/supervisor/invocation"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
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

// CPU is the CPU time of all invocations; used is what the tree has used so far.
// Anybody may call it.
func (w *Worker) CPU(tree Tree, used time.Duration) time.Duration {
	if tree.Invocation == nil {
		return w.cpu.total(nil, used)
	}
	return w.cpu.total(tree.Invocation.Process(), used)
}

// Lines counts what the worker has written. Anybody may call it.
func (w *Worker) Lines() status.Lines {
	counts := w.output.Counts()
	return status.Lines{
		OutLines: counts.Lines[logs.Stdout], OutBytes: counts.Bytes[logs.Stdout],
		ErrLines: counts.Lines[logs.Stderr], ErrBytes: counts.Bytes[logs.Stderr],
	}
}

// Tree is the process tree of a worker.
type Tree struct {
	Worker     *Worker
	Invocation *invocation.Invocation
	Pids       []int
}

// Trees returns those of the workers that pass the filter and have a process, all
// from one look at the process table. Anybody may call it.
func Trees(workers []*Worker, filter func(*Worker) bool) []Tree {
	var found []Tree
	var processes []*process.Process
	for _, w := range workers {
		if i := w.Invocation(); i != nil && i.Process() != nil && filter(w) {
			found, processes = append(found, Tree{Worker: w, Invocation: i}), append(processes, i.Process())
		}
	}
	for i, pids := range process.Trees(processes) {
		found[i].Pids = pids
	}
	return found
}
