package app

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"gorun/supervisor/app/jobs"
	"gorun/supervisor/invocation"
	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
	"gorun/supervisor/worker"
)

// memoryInterval is how often max_memory_restart is checked.
const memoryInterval = time.Second

// memoryWatch restarts workers whose tree has outgrown max_memory_restart: one at a
// time, the next when the last is online, and without a gap where they share their
// ports. All of it belongs to the goroutine in run.
type memoryWatch struct {
	app     *App
	runs    map[*worker.Worker]*memoryRun
	pending *worker.Worker // restarted with a gap, and not online since; nil: none
}

// memoryRun is what is known of one run of a worker.
type memoryRun struct {
	invocation *invocation.Invocation
	delay      time.Duration // how old it has to become until it may be restarted
	next       time.Duration // the delay of the run that follows, where it is restarted for its memory
	due        time.Time     // when it may be
	over       bool          // its limit is passed
	asked      bool          // a restart was asked for
	told       bool          // why there is none
}

// run ends with ctx.
func (m *memoryWatch) run(ctx context.Context) {
	ticker := time.NewTicker(memoryInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.check(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// check restarts at most one worker.
func (m *memoryWatch) check(ctx context.Context) {
	var heavy []worker.Tree
	workers := m.app.Published().Workers
	maps.DeleteFunc(m.runs, func(w *worker.Worker, _ *memoryRun) bool { return !slices.Contains(workers, w) })
	for _, tree := range m.app.deps.Measure(workers) {
		if m.isHeavy(tree) {
			heavy = append(heavy, tree)
		}
	}
	if m.isPending() {
		return
	}
	for _, tree := range heavy {
		if m.mayRestart(tree.Worker) {
			m.restart(ctx, tree)
			return
		}
	}
}

// isHeavy takes note of how much a worker uses, and reports whether that is a reason to
// restart it now.
func (m *memoryWatch) isHeavy(tree worker.Tree) bool {
	r, now, p := m.runOf(tree), time.Now(), tree.Worker.Published()
	if tree.Memory <= p.Spec.MaxMemory {
		r.over = false
		return false
	}
	age := now.Sub(tree.Invocation.Started())
	if !r.over {
		r.over, r.next = true, restart.MemoryDelay(r.delay, age)
	}
	if p.State == status.Launching && age < restart.MemoryDelay(0, 0) {
		return false // it is about to be online, and would not get there
	}
	if now.Before(r.due) {
		m.explain(tree, r, now)
		return false
	}
	return true
}

// runOf is what is known of the present run of a worker.
func (m *memoryWatch) runOf(tree worker.Tree) *memoryRun {
	before := m.runs[tree.Worker]
	if before != nil && before.invocation == tree.Invocation {
		return before
	}
	r := &memoryRun{invocation: tree.Invocation}
	if before != nil && before.asked {
		r.delay = before.next
	}
	r.due = tree.Invocation.Started().Add(r.delay)
	m.runs[tree.Worker] = r
	return r
}

// explain reports, once for each run, that a worker is over its limit and stays.
func (m *memoryWatch) explain(tree worker.Tree, r *memoryRun, now time.Time) {
	if r.told {
		return
	}
	r.told = true
	limit := tree.Worker.Published().Spec.MaxMemory
	m.app.deps.Worker.Log.Error("worker passes max_memory_restart soon after each start: raise it; the next restart for it is delayed",
		"worker", tree.Worker.Name(), "used", status.Bytes(tree.Memory), "limit", status.Bytes(limit), "next", "in "+r.due.Sub(now).Round(time.Second).String())
	m.journal(tree, "over its max_memory_restart of "+status.Bytes(limit)+" again: "+status.Bytes(tree.Memory)+", soon after its start")
}

// isPending reports whether a worker that was restarted with a gap is still to come.
func (m *memoryWatch) isPending() bool {
	w := m.pending
	if w == nil {
		return false
	}
	switch p := w.Published(); p.State {
	case status.Launching, status.Stopping, status.WaitingRestart:
		return true
	case status.Online:
		if r := m.runs[w]; r != nil && r.asked && w.Invocation() == r.invocation {
			return true // it has not taken the request up yet
		}
	case status.Stopped, status.Errored:
	}
	m.pending = nil
	return false
}

// mayRestart reports whether the app can do without a worker for a while: one that shares
// its ports is replaced first, and the last that is online waits for those to come.
func (m *memoryWatch) mayRestart(one *worker.Worker) bool {
	p := m.app.Published()
	if p.Phase != Running {
		return false
	}
	if isShared(p) {
		return true
	}
	coming := false
	for _, w := range p.Workers {
		switch st := w.Published().State; {
		case w == one:
		case st == status.Online:
			return true
		case st != status.Stopped && st != status.Errored:
			coming = true
		}
	}
	return !coming
}

func isShared(p *Published) bool { return p.Ports != nil && p.Ports.Shared() }

// restart gives a worker another process. Where the ports are shared it waits until
// that is online and the old one gone.
func (m *memoryWatch) restart(ctx context.Context, tree worker.Tree) {
	w, r := tree.Worker, m.runs[tree.Worker]
	if w.Invocation() != tree.Invocation {
		return
	}
	used, limit := status.Bytes(tree.Memory), status.Bytes(w.Published().Spec.MaxMemory)
	m.app.deps.Worker.Log.Warn("worker uses more memory than max_memory_restart allows: restarting it", "worker", w.Name(), "used", used, "limit", limit)
	m.journal(tree, "over its max_memory_restart of "+limit+": "+used)
	r.asked = true
	if !isShared(m.app.Published()) {
		m.pending = w
		w.Restart(status.ByMemory)
		return
	}
	err := m.app.replace(ctx, w)
	if err == nil || ctx.Err() != nil || errors.Is(err, jobs.ErrSuperseded) || w.Invocation() != tree.Invocation {
		return
	}
	r.told, r.next = true, max(r.next, restart.MemoryDelay(r.delay, 0))
	r.delay, r.due, r.next = r.next, time.Now().Add(r.next), restart.MemoryDelay(r.next, 0)
	m.app.deps.Worker.Log.Error("worker not replaced for its memory: it stays", "worker", w.Name(), "error", err, "next", "in "+r.delay.String())
}

func (m *memoryWatch) journal(tree worker.Tree, text string) {
	m.app.deps.Worker.Journal(status.Event{App: m.app.name, Instance: tree.Worker.Published().Instance, Kind: "memory", Text: text})
}

// replace has one worker replaced for its memory, without a gap, and waits for the end
// of that.
func (a *App) replace(ctx context.Context, w *worker.Worker) error {
	c := &jobs.Command{Verb: spec.Reload, Reason: status.ByMemory, QueueIfBusy: true, Instances: []int{w.Published().Instance}}
	c.Prepare(func(int, string) {})
	return a.Do(ctx, c)
}

// measure returns the process trees of workers that have a memory limit and may be
// restarted for it, with what they use. One that is stopping was restarted already.
func measure(workers []*worker.Worker) []worker.Tree {
	trees := worker.Trees(workers, func(w *worker.Worker) bool {
		p := w.Published()
		return p.Spec.MaxMemory > 0 && slices.Contains([]status.State{status.Launching, status.Online}, p.State)
	})
	for i := range trees {
		tree := &trees[i]
		tree.Memory = usage.Memory(tree.Pids, usage.Resident(tree.Pids), tree.Worker.Published().Spec.MaxMemory)
	}
	return trees
}
