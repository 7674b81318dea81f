package record

import (
	"context"
	"crypto/rand"
	"time"

	"gorun/supervisor/hooks"
	"gorun/supervisor/notify"
	"gorun/supervisor/process"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// eventOf has the facts of an end for hooks.
func eventOf(ended End, exit *status.Exit) hooks.Event {
	ending := &hooks.ExitStatus{Text: exit.Text, Code: exit.Code, Tail: ended.Tail}
	if ended.Status.Signal != 0 {
		ending.Signal = process.SignalName(ended.Status.Signal)
	}
	return hooks.Event{Time: exit.At, Pid: ended.Pid, Reason: ended.Reason.String(), Exit: ending, Uptime: exit.Uptime}
}

// Restart counts a restart after an end.
func (r *Record) Restart(ended End) { r.countRestart(ended.Reason, eventOf(ended, r.Status.LastExit)) }

// Replace counts a restart whose invocation was ready before the one before it ended.
func (r *Record) Replace(why status.Reason, started time.Time) {
	r.countRestart(why, hooks.Event{})
	r.observeStart(started)
	r.Status.Ready = true
}

// countRestart counts a restart. It is reported to the hooks once the process runs,
// unless somebody has asked for it; e has the end of the one before, if it has ended.
func (r *Record) countRestart(why status.Reason, e hooks.Event) {
	r.Status.Restarts[why]++
	switch why {
	case status.ByManual, status.ByReload:
		r.resumed = nil
	case status.ByExit, status.ByMemory, status.ByCron, status.ByWatch, status.ByHealth, status.ByWatchdog, status.ByRetry:
		e.Reason = why.String()
		r.resumed = &e
	}
}

// tellResumed reports a restart whose process runs to the hooks.
func (r *Record) tellResumed(conf *spec.App) {
	if r.resumed == nil {
		return
	}
	e := *r.resumed
	e.Time, e.Pid, e.Next = r.Status.Started, r.Status.Pid, "online when it is ready"
	r.resumed = nil
	r.tell(conf, hooks.Restart, e)
}

// tell hands an event to the hooks of the app. It never waits.
func (r *Record) tell(conf *spec.App, kind hooks.EventKind, e hooks.Event) {
	to := conf.Hooks(kind)
	if len(to) == 0 {
		return
	}
	e.Kind, e.Host, e.App, e.Instance = kind, r.deps.Host, r.Status.App, r.Status.Instance
	h := hookRun{deps: r.deps, app: conf, worker: r.Name, instance: r.Status.Instance, id: r.Status.ID}
	r.deps.Hooks.Dispatch(e, to, h.run)
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
