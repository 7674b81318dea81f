package worker

import (
	"context"
	"fmt"
	"time"

	"gorun/supervisor/invocation"
	"gorun/supervisor/restart"
	"gorun/supervisor/status"
	"gorun/supervisor/worker/record"
)

// keepRunning starts one activation after the other, as the restart policy says. It
// returns the exit code to attribute to the worker.
func (w *Worker) keepRunning(ctx, kill context.Context, ports *invocation.Ports) int {
	for {
		a := activation{w: w, ports: ports}
		again, code := w.next(ctx, a.run(ctx, kill))
		if !again {
			return code
		}
	}
}

// next takes the step after the end of an invocation. It returns true when the
// program is to be started again, now.
func (w *Worker) next(ctx context.Context, ended record.End) (again bool, code int) {
	if ended.Forced {
		w.deps.Log.Warn("worker did not stop in time: killed", "worker", w.Name(), "kill_timeout", w.target.spec.KillTimeout)
	}
	switch {
	case ctx.Err() != nil:
		w.enter(status.Stopped)
		return false, 0
	case ended.Cause == invocation.Replaced:
		w.record.Restart(ended)
		return true, 0
	}
	decision := w.record.Next(w.target.spec.Restart, ended)
	switch decision.Verdict {
	case restart.Rest:
		w.conclude(status.Stopped, ended, decision)
		return false, w.record.ExitCode(w.target.spec.Restart, ended)
	case restart.GiveUp:
		w.conclude(status.Errored, ended, decision)
		return false, max(w.record.Status.LastExit.Code, 1)
	case restart.Retry:
	}
	w.conclude(status.WaitingRestart, ended, decision)
	if !w.pause(ctx, decision.Delay, &ended.Reason) {
		w.enter(status.Stopped)
		return false, 0
	}
	w.record.Restart(ended)
	return true, 0
}

// conclude enters the state after an invocation, and reports its end. Whoever waits
// for the update is answered when that state can be seen: it is part of the answer.
// To end well is as good as to be online.
func (w *Worker) conclude(to status.State, ended record.End, decision restart.Decision) {
	w.enter(to)
	cause := errEnded
	if ended.Late {
		cause = fmt.Errorf("%w within its listen_timeout of %v", errNotReady, w.target.spec.ListenTimeout)
	}
	if decision.Verdict == restart.Rest && w.record.ExitCode(w.target.spec.Restart, ended) == 0 {
		w.target.settle(nil)
	}
	w.target.settle(newStartError(cause, ended, w.record.Status.LastExit))
	w.record.Report(w.target.spec, ended, decision)
}

// pause waits before a restart. An update ends the wait, and its reason is the
// restart's; what the invocation before has provoked ended with it. It returns
// false when ctx ended first.
func (w *Worker) pause(ctx context.Context, delay time.Duration, reason *status.Reason) bool {
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
			w.target.expect(u)
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
