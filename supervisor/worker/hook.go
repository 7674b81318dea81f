package worker

import (
	"context"
	"crypto/rand"

	"gorun/supervisor/hooks"
	"gorun/supervisor/notify"
	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// noteOf has the facts of an end for hooks.
func (w *Worker) noteOf(ended end) hooks.Event {
	exit := w.status.LastExit
	ending := &hooks.ExitStatus{Text: exit.Text, Code: exit.Code, Tail: ended.Tail}
	if ended.Status.Signal != 0 {
		ending.Signal = process.SignalName(ended.Status.Signal)
	}
	return hooks.Event{Time: exit.At, Pid: ended.Pid, Reason: ended.reason.String(), Exit: ending, Uptime: exit.Uptime}
}

// tellHooks reports an end that nobody has asked for to the hooks.
func (w *Worker) tellHooks(ended end, decision restart.Decision) {
	n := w.noteOf(ended)
	n.Next = decision.String()
	w.tell(hooks.Exit, n)
	if decision.Verdict == restart.GiveUp {
		w.tell(hooks.GiveUp, n)
	}
}

// countRestart counts a restart. It is reported to the hooks once the process runs,
// unless somebody has asked for it; n has the end of the one before, if it has ended.
func (w *Worker) countRestart(why status.Reason, n hooks.Event) {
	w.status.Restarts[why]++
	switch why {
	case status.ByManual, status.ByReload:
		w.resumed = nil
	case status.ByExit, status.ByMemory, status.ByCron, status.ByWatch, status.ByHealth, status.ByWatchdog:
		n.Reason = why.String()
		w.resumed = &n
	}
}

// tellResumed reports a restart whose process runs to the hooks.
func (w *Worker) tellResumed() {
	if w.resumed == nil {
		return
	}
	n := *w.resumed
	n.Time, n.Pid, n.Next = w.status.Started, w.status.Pid, "online when it is ready"
	w.resumed = nil
	w.tell(hooks.Restart, n)
}

// tell hands an event to the hooks of the app. It never waits.
func (w *Worker) tell(kind hooks.EventKind, n hooks.Event) {
	to := w.spec.Hooks(kind)
	if len(to) == 0 {
		return
	}
	n.Kind, n.Host, n.App, n.Instance = kind, w.deps.Host, w.status.App, w.status.Instance
	h := hookRun{deps: w.deps, app: w.spec, worker: w.name, instance: w.status.Instance, id: w.status.ID}
	w.deps.Hooks.Dispatch(n, to, h.run)
}

// hookRun is what a hook's command is run with: all of it never changes.
type hookRun struct {
	deps         *Deps
	app          *spec.App
	worker       string
	instance, id int
}

// run runs the command as the app's workers run, and returns its last lines.
func (h hookRun) run(ctx context.Context, c hooks.Command) (lines []string, err error) {
	return process.RunWithInput(ctx, h.deps.Reaper, process.Spec{
		Argv: c.Argv, Env: process.Overlay(notify.WithoutVariables(h.app.Environ(h.instance, h.id)), c.Environ), Dir: h.app.Dir, User: h.app.User.Credential(),
		Marker: h.worker + "/hook/" + rand.Text(), Memory: h.deps.Cgroup.MemoryLimit(),
	}, c.Input)
}
