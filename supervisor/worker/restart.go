package worker

import (
	"context"
	"time"

	"gorun/supervisor/invocation"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/restart"
	"gorun/supervisor/status"
	"gorun/supervisor/worker/record"
)

// restartLoop goes from one activation to the next, as the restart policy says. It
// belongs to the worker's goroutine.
type restartLoop struct {
	w     *Worker
	ports *endpoint.SharedPorts
}

// keepRunning returns the exit code to attribute to the worker.
func (l restartLoop) keepRunning(ctx, kill context.Context) int {
	for {
		a := activation{w: l.w, ports: l.ports}
		again, code := l.next(ctx, a.serve(ctx, kill))
		if !again {
			return code
		}
	}
}

// next takes the step after the end of an invocation. It returns true when the
// program is to be started again, now.
func (l restartLoop) next(ctx context.Context, ended record.End) (again bool, code int) {
	w := l.w
	if ended.Forced {
		w.deps.Log.Warn("worker did not stop in time: killed", "worker", w.Name(), "kill_timeout", w.target.spec.KillTimeout)
	}
	switch {
	case ctx.Err() != nil:
		w.enter(status.Stopped)
		return false, 0
	case ended.Cause == invocation.Replaced:
		w.record.CountRestart(ended)
		return true, 0
	}
	decision := w.record.Next(w.target.spec.Restart, ended)
	switch decision.Verdict {
	case restart.LeaveStopped:
		l.conclude(status.Stopped, ended, decision)
		return false, w.record.ExitCode(w.target.spec.Restart, ended)
	case restart.GiveUp:
		l.conclude(status.Errored, ended, decision)
		return false, max(w.record.Status.LastExit.Code, 1)
	case restart.Retry:
	}
	l.conclude(status.WaitingRestart, ended, decision)
	if !l.pause(ctx, decision.Delay, &ended.Reason) {
		w.enter(status.Stopped)
		return false, 0
	}
	w.record.CountRestart(ended)
	return true, 0
}

// conclude enters the state after an invocation, and reports its end. Whoever waits
// for the update is answered when that state can be seen: it is part of the answer.
// To end well is as good as to be online.
func (l restartLoop) conclude(to status.State, ended record.End, decision restart.Decision) {
	w := l.w
	w.enter(to)
	cause := errEnded
	if ended.NotReady != nil {
		cause = ended.NotReady
	}
	if decision.Verdict == restart.LeaveStopped && w.record.ExitCode(w.target.spec.Restart, ended) == 0 {
		w.target.complete(nil)
	}
	w.target.complete(newStartError(cause, ended, w.record.Status.LastExit))
	w.record.Report(w.target.spec, ended, decision)
}

// pause waits before a restart. An update ends the wait, and its reason is the
// restart's; what the invocation before has provoked ended with it. It returns
// false when ctx ended first.
func (l restartLoop) pause(ctx context.Context, delay time.Duration, reason *status.Reason) bool {
	w := l.w
	if delay == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-w.mail.restarts:
		case u := <-w.mail.updates:
			w.target.beginUpdate(u)
			*reason = u.Reason
			return true
		case <-w.mail.resets:
			w.record.Reset()
		case gone := <-w.leaving.ended:
			w.reap(gone)
		case <-ctx.Done():
			return false
		}
	}
}
