package worker

import (
	"time"

	"gorun/supervisor/invocation"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
)

// CPU is the CPU time of all invocations; used is what the tree has used so far.
// Anybody may call it.
func (w *Worker) CPU(tree Tree, used time.Duration) time.Duration {
	return w.record.CPU(tree.Invocation, used)
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
	Memory     int64 // in bytes, where it was measured
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
