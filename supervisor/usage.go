package supervisor

import (
	"context"
	"slices"
	"sync"
	"time"

	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/usage"
)

// memoryInterval is how often max_memory_restart is checked.
const memoryInterval = time.Second

// meter adds up the CPU time of all runs of a worker, so that the sum never
// falls. Safe for concurrent use.
type meter struct {
	mu      sync.Mutex
	ended   time.Duration    // of runs that are over
	present *process.Process // nil: none runs
	run     time.Duration    // of the present run, at most
}

// begin opens a run.
func (m *meter) begin(p *process.Process) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.present = p
}

// end closes a run that used at least cpu.
func (m *meter) end(cpu time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended += max(m.run, cpu)
	m.present, m.run = nil, 0
}

// total returns the sum, with the run of p that has used cpu so far. One that
// is over by now is in the sum already.
func (m *meter) total(p *process.Process, cpu time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p != nil && p == m.present {
		m.run = max(m.run, cpu)
	}
	return m.ended + m.run
}

// Sample is Snapshot with what the workers' trees and the cgroup use now.
func (s *Supervisor) Sample() Snapshot {
	snapshot := s.Snapshot()
	snapshot.Group = s.options.Cgroup.Read()
	measured := map[*worker]measure{}
	for _, m := range s.trees(func(*worker) bool { return true }) {
		measured[m.worker] = m
	}
	for i, a := range s.apps {
		snapshot.Apps[i].Ports, snapshot.Apps[i].Relays = a.sharing.ports(), a.sharing.relayed()
		for j, w := range a.workers {
			m := measured[w]
			used := usage.Of(m.pids)
			used.CPU = w.cpu.total(m.process, used.CPU)
			snapshot.Apps[i].Workers[j].Usage = used
			snapshot.Apps[i].Workers[j].Lines = w.lines()
		}
	}
	return snapshot
}

func (w *worker) lines() Lines {
	counts := w.output.Counts()
	return Lines{
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
func (s *Supervisor) trees(filter func(*worker) bool) []measure {
	var found []measure
	var processes []*process.Process
	for _, a := range s.apps {
		for _, w := range a.workers {
			if p := w.running.Load(); p != nil && filter(w) {
				found, processes = append(found, measure{worker: w, process: p}), append(processes, p)
			}
		}
	}
	for i, pids := range process.Trees(processes) {
		found[i].pids = pids
	}
	return found
}

// watchMemory restarts workers whose tree has outgrown max_memory_restart.
func (s *Supervisor) watchMemory(ctx context.Context) {
	if !slices.ContainsFunc(s.apps, func(a *app) bool { return a.conf.MaxMemory > 0 }) {
		return
	}
	ticker := time.NewTicker(memoryInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.checkMemory()
		case <-ctx.Done():
			return
		}
	}
}

func (s *Supervisor) checkMemory() {
	for _, m := range s.trees((*worker).hasMemoryLimit) {
		w := m.worker
		used := usage.Resident(m.pids)
		if used <= w.app.MaxMemory || w.running.Load() != m.process {
			continue
		}
		w.tools.log.Warn("worker uses more memory than max_memory_restart allows: restarting it",
			"worker", w.name, "used", size(used), "limit", size(w.app.MaxMemory))
		w.restart(ByMemory)
	}
}

// hasMemoryLimit is false for a worker on its way out: it was told already.
func (w *worker) hasMemoryLimit() bool {
	state := w.published.Load().State
	return w.app.MaxMemory > 0 && (state == Launching || state == Online)
}
