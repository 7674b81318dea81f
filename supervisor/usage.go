package supervisor

import (
	"context"
	"sync"
	"time"

	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
)

// memoryInterval is how often max_memory_restart is checked.
const memoryInterval = time.Second

// meter adds up the CPU time of all runs of a worker, so that the sum never
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

// Sample is Snapshot with what the workers' trees and the cgroup use now.
func (s *Supervisor) Sample() status.Snapshot {
	snapshot, rosters := s.snapshot()
	snapshot.Group = s.options.Cgroup.Read()
	measured := map[*worker]measure{}
	var workers []*worker
	for _, r := range rosters {
		workers = append(workers, r.workers...)
	}
	for _, m := range trees(workers, func(*worker) bool { return true }) {
		measured[m.worker] = m
	}
	for i := range snapshot.Apps {
		app := &snapshot.Apps[i]
		if shared := rosters[i].sharing; shared != nil {
			app.Ports, app.Relays = shared.ports(), shared.relayed()
		}
		for j, w := range rosters[i].workers {
			m := measured[w]
			used := usage.Of(m.pids)
			used.CPU = w.cpu.total(m.process, used.CPU)
			app.Workers[j].Usage, app.Workers[j].Lines = used, w.lines()
		}
	}
	return snapshot
}

func (w *worker) lines() status.Lines {
	counts := w.output.Counts()
	return status.Lines{
		OutLines: counts.Lines[logs.Stdout], OutBytes: counts.Bytes[logs.Stdout],
		ErrLines: counts.Lines[logs.Stderr], ErrBytes: counts.Bytes[logs.Stderr],
	}
}

// measure is a process tree to be measured.
type measure struct {
	worker  *worker
	process *process.Process
	pids    []int
}

// trees returns those of the workers that pass the filter and have a process,
// all from one look at the process table.
func trees(workers []*worker, filter func(*worker) bool) []measure {
	var found []measure
	var processes []*process.Process
	for _, w := range workers {
		if p := w.running.Load(); p != nil && filter(w) {
			found, processes = append(found, measure{worker: w, process: p}), append(processes, p)
		}
	}
	for i, pids := range process.Trees(processes) {
		found[i].pids = pids
	}
	return found
}

// watchMemory restarts workers whose tree has outgrown max_memory_restart.
func (a *app) watchMemory(ctx context.Context) {
	ticker := time.NewTicker(memoryInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			checkMemory(a.look().workers)
		case <-ctx.Done():
			return
		}
	}
}

func checkMemory(workers []*worker) {
	for _, m := range trees(workers, (*worker).hasMemoryLimit) {
		w, limit := m.worker, m.worker.published.Load().app.MaxMemory
		used := usage.Resident(m.pids)
		if used <= limit || w.running.Load() != m.process {
			continue
		}
		w.tools.log.Warn("worker uses more memory than max_memory_restart allows: restarting it",
			"worker", w.name, "used", size(used), "limit", size(limit))
		w.restart(status.ByMemory)
	}
}

// hasMemoryLimit is false for a worker on its way out: it was told already.
func (w *worker) hasMemoryLimit() bool {
	st := w.published.Load()
	return st.app.MaxMemory > 0 && (st.State == status.Launching || st.State == status.Online)
}
