package worker

import (
	"context"
	"time"

	"gorun/health"
	"gorun/supervisor/invocation"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
)

// verdict is why an invocation is to end, or has.
type verdict struct {
	cause  invocation.Cause
	reason status.Reason // of the restart
	late   bool          // it was not ready in time
}

// live is one life of the worker: from the start of an invocation, over any that
// replace it without a gap, until the last one's whole tree is gone and its exit
// is on record.
func (w *Worker) live(ctx, kill context.Context) end {
	drain(w.restarts) // they were about the invocation before
	w.enter(status.Launching)
	r, err := w.launch()
	if err != nil {
		return w.notStarted(err)
	}
	w.serving = r
	w.present(r)
	v := w.attend(ctx, kill)
	r = w.serving
	r.StopTraffic()
	if v.cause != invocation.Died || r.LeavesOthers() {
		w.enter(status.Stopping)
	}
	ended := end{End: r.Terminate(kill, v.cause), reason: v.reason, late: v.late}
	w.recordEnd(r.Invocation, &ended)
	return ended
}

// launch starts an invocation.
func (w *Worker) launch() (*run, error) {
	i, err := w.deps.Launch(invocation.Request{
		Spec: w.spec, Instance: w.status.Instance, ID: w.status.ID, Output: w.output, Ports: w.ports, Count: w.totals.Add,
	})
	if err != nil {
		return nil, err
	}
	w.status.Starts++
	if p := i.Process(); p != nil {
		w.cpu.begin(p)
	}
	return newRun(i), nil
}

// present makes an invocation the one that the worker is known by.
func (w *Worker) present(r *run) {
	w.invocation.Store(r.Invocation)
	w.status.Pid, w.status.Started, w.status.LastError = r.Pid(), r.Started(), ""
	w.publish()
	w.tellResumed()
	w.writePIDFile(r)
}

// writePIDFile keeps pid_file true while there is a process. A worker does not fail
// for want of it.
func (w *Worker) writePIDFile(r *run) {
	path := r.Spec().PIDFile(w.status.Instance)
	if path == "" {
		return
	}
	if err := process.WritePIDFile(path, r.Pid()); err != nil {
		w.deps.Log.Warn("cannot write pid_file", "worker", w.name, "error", err)
	}
}

// attend is the one place where the worker waits while an invocation serves or
// starts: for what is heard of it and of its replacement, for requests, and for
// those that are leaving. It returns why the serving one is to end.
func (w *Worker) attend(ctx, kill context.Context) verdict {
	for {
		var v *verdict
		select {
		case e := <-w.serving.Events():
			v = w.hear(e)
		case e := <-w.replacement.events():
			v = w.hearReplacement(kill, e)
		case u := <-w.updates:
			v = w.takeUp(kill, u)
		case why := <-w.restarts:
			v = w.unlessReplaced(&verdict{cause: invocation.Misbehaved, reason: why})
		case <-w.resets:
			w.ResetIdle()
		case gone := <-w.leaving.ended:
			w.reap(gone)
		case <-ctx.Done():
			v = &verdict{cause: invocation.Stopped}
		}
		if v != nil {
			w.giveUpReplacement(kill, invocation.Stopped, ErrStopped)
			return *v
		}
		w.markReady()
	}
}

// hear takes an event of the serving invocation. It returns why that is to end.
func (w *Worker) hear(e invocation.Event) *verdict {
	r := w.serving
	switch e.Kind {
	case invocation.Exited:
		return w.unlessReplaced(&verdict{cause: invocation.Died, reason: status.ByExit})
	case invocation.Listening, invocation.Ready:
		r.meet(e)
	case invocation.Checked:
		if !r.stopping {
			r.meet(e)
			return w.unlessReplaced(w.judge(e.Check))
		}
	case invocation.WatchdogExpired:
		if !r.stopping {
			w.deps.Log.Error("watchdog expired: no WATCHDOG=1", "worker", w.name, "watchdog", r.Spec().Watchdog)
			return w.unlessReplaced(&verdict{cause: invocation.Misbehaved, reason: status.ByWatchdog})
		}
	case invocation.Stopping:
		w.letStop()
	case invocation.Extended:
		r.prolong(e.Extend)
	case invocation.DeadlineExceeded:
		return w.unlessReplaced(w.overdue())
	case invocation.Alive: // the invocation's own
	}
	return nil
}

// markReady steers connections to an invocation that has met every condition.
func (w *Worker) markReady() {
	r := w.serving
	if !r.satisfied() || r.stopping || w.status.State != status.Launching {
		return
	}
	r.AcceptTraffic()
	w.enter(status.Online)
	r.StartWatchdog()
	w.settle(nil)
}

// letStop takes an invocation that has sent STOPPING=1 out of the steering, and
// leaves it the time of a stop.
func (w *Worker) letStop() {
	r := w.serving
	if r.stopping {
		return
	}
	w.deps.Log.Info("worker is stopping by itself: STOPPING=1", "worker", w.name)
	r.stopping = true
	r.StopWatchdog()
	r.allow(r.Spec().KillTimeout)
	w.stopTraffic()
}

// stopTraffic takes the serving invocation out of the steering.
func (w *Worker) stopTraffic() {
	w.serving.StopTraffic()
	w.status.Ready = false
	w.publish()
}

// overdue ends an invocation that was to do more until now than to listen.
func (w *Worker) overdue() *verdict {
	r := w.serving
	switch {
	case !r.outOfTime():
		return nil
	case r.stopping:
		w.deps.Log.Error("worker sent STOPPING=1 but did not exit within kill_timeout", "worker", w.name, "kill_timeout", r.Spec().KillTimeout)
		return &verdict{cause: invocation.Misbehaved, reason: status.ByExit}
	case r.unmet() != "" && w.status.State == status.Launching:
		w.deps.Log.Error("worker not ready in time", "worker", w.name, "listen_timeout", r.limit, "missing", r.unmet())
		return &verdict{cause: invocation.Misbehaved, reason: status.ByExit, late: true}
	}
	r.listen = false
	return nil
}

// judge puts a result of the health check on record, and ends an invocation that is
// to be restarted for it. One that is only to be taken out of the steering comes
// back when it recovers.
func (w *Worker) judge(result health.Result) *verdict {
	w.status.Probe = w.status.Probe.Observe(status.Check{OK: result.OK, Text: result.Text, Took: result.Duration})
	defer w.publish()
	unhealthy := result.Condition == health.Unhealthy
	if w.status.State != status.Online || unhealthy != w.status.Ready {
		return nil
	}
	w.status.Ready = !unhealthy
	if !unhealthy {
		w.deps.Log.Info("worker has recovered", "worker", w.name)
		w.serving.AcceptTraffic()
		return nil
	}
	w.serving.StopTraffic()
	onFailure := w.serving.Spec().Health.OnFailure
	w.deps.Log.Error("worker is unhealthy", "worker", w.name, "check", result.Text, "on_failure", onFailure)
	if onFailure == health.Unready {
		return nil
	}
	return &verdict{cause: invocation.Misbehaved, reason: status.ByHealth}
}

// observeStart adds the time that an invocation took until it was online.
func (w *Worker) observeStart(since time.Time) {
	w.status.StartTimes = w.status.StartTimes.Observe(time.Since(since))
}
