package record

import (
	"context"
	"crypto/rand"
	"time"

	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
	"gorun/supervisor/notify"
	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// notifier passes on what others are to hear of a worker: the journal, the hooks and
// pid_file. It belongs to the record.
type notifier struct {
	deps         *Deps // this and the names never change
	worker, app  string
	instance, id int

	pendingRestart *hooks.Event // a restart to report to hooks when the process runs; nil: none
}

// journal appends an event of the worker.
func (n *notifier) journal(kind, text string) {
	n.deps.Journal(status.Event{App: n.app, Instance: n.instance, Kind: kind, Text: text})
}

// writePIDFile keeps pid_file true while there is a process. A worker does not fail
// for want of it.
func (n *notifier) writePIDFile(i *invocation.Invocation) {
	if err := process.WritePIDFile(i.Spec().PIDFile(n.instance), i.Pid()); err != nil {
		n.deps.Log.Warn("cannot write pid_file", "worker", n.worker, "error", err)
	}
}

// removePIDFile removes pid_file where it is still that of the process that has ended.
func (n *notifier) removePIDFile(i *invocation.Invocation, pid int) {
	if err := process.RemovePIDFile(i.Spec().PIDFile(n.instance), pid); err != nil {
		n.deps.Log.Warn("cannot remove pid_file", "worker", n.worker, "error", err)
	}
}

// nextAction says what happens next, for people.
func (n *notifier) nextAction(conf *spec.App, decision restart.Decision) string {
	if decision.Verdict == restart.LeaveStopped && conf.Cron != "" {
		now := time.Now()
		if next := n.deps.NextRun(conf.Cron, now); !next.IsZero() {
			return "waiting for " + status.Clock(next, now)
		}
	}
	return decision.String()
}

// sharedBy names another app whose workers share a port.
func (n *notifier) sharedBy(port int) string {
	if n.deps.SharedBy == nil {
		return ""
	}
	return n.deps.SharedBy(port, n.app)
}

// dispatchRestart reports a restart whose process runs to the hooks.
func (n *notifier) dispatchRestart(conf *spec.App, i *invocation.Invocation) {
	if n.pendingRestart == nil {
		return
	}
	e := *n.pendingRestart
	e.Time, e.Pid, e.Next = i.Started(), i.Pid(), "online when it is ready"
	n.pendingRestart = nil
	n.dispatch(conf, hooks.Restart, e)
}

// dispatch hands an event to the hooks of the app. It never waits.
func (n *notifier) dispatch(conf *spec.App, kind hooks.EventKind, e hooks.Event) {
	to := conf.Hooks(kind)
	if len(to) == 0 {
		return
	}
	e.Kind, e.Host, e.App, e.Instance = kind, n.deps.Host, n.app, n.instance
	h := hookRun{deps: n.deps, app: conf, worker: n.worker, instance: n.instance, id: n.id}
	n.deps.Hooks.Dispatch(e, to, h.call)
}

// hookRun is what a hook's command is run with: all of it never changes.
type hookRun struct {
	deps         *Deps
	app          *spec.App
	worker       string
	instance, id int
}

// call runs the command as the app's workers run, and returns its last lines.
func (h hookRun) call(ctx context.Context, c hooks.Command) (lines []string, err error) {
	return process.RunWithInput(ctx, h.deps.Reaper, process.Spec{
		Argv: c.Argv, Env: process.Overlay(notify.WithoutVariables(h.app.Environ(h.instance, h.id)), c.Environ), Dir: h.app.Dir, User: h.app.User.Credential(),
		Marker: h.worker + "/hook/" + rand.Text(), Memory: h.deps.Cgroup.MemoryLimit(),
	}, c.Input)
}
