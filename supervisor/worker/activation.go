package worker

import (
	"context"
	"time"

	"gorun/health"
	"gorun/supervisor/invocation"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/invocation/event"
	"gorun/supervisor/status"
	"gorun/supervisor/worker/record"
)

// terminationReason is why an invocation is to end, or has.
type terminationReason struct {
	cause  invocation.Cause
	reason status.Reason // of the restart
	late   error         // it was not ready in time, and why; nil: it was
}

// activation goes from the start of an invocation, over any that replace it without a
// gap, until the last one's whole tree is gone and its exit is on record. It belongs to
// the worker's goroutine.
type activation struct {
	w           *Worker
	ports       *endpoint.SharedPorts
	serving     *run
	replacement *replacement // nil: none is under way
	lasted      bool         // long enough to forget the unstable runs before it, once it is online
}

// serve returns how the activation has ended.
func (a *activation) serve(ctx, kill context.Context) record.End {
	w := a.w
	drain(w.mail.restarts) // they were about the invocation before
	w.enter(status.Launching)
	var err error
	if a.serving, err = w.launch(a.ports); err != nil {
		return w.record.FailStart(err)
	}
	w.setServing(a.serving)
	a.requireLongerRun()
	v := a.awaitEnd(ctx, kill)
	r := a.serving
	r.StopTraffic()
	if v.cause != invocation.Died || r.LeavesOthers() {
		w.enter(status.Stopping)
	}
	ended := record.End{End: r.Terminate(kill, v.cause), Reason: v.reason, NotReady: v.late}
	w.recordEnd(r.Invocation, &ended)
	return ended
}

// awaitEnd is the one place where the worker waits while an invocation serves or
// starts: for what is heard of it and of its replacement, for requests, and for
// those that are leaving. It returns why the serving one is to end.
func (a *activation) awaitEnd(ctx, kill context.Context) terminationReason {
	stable := a.untilStable()
	defer stable.Stop()
	for {
		var v *terminationReason
		select {
		case e := <-a.serving.Events():
			v = a.hear(e)
		case e := <-a.replacement.events():
			v = a.hearReplacement(kill, e)
		case u := <-a.w.mail.updates:
			v = a.applyUpdate(kill, u)
		case why := <-a.w.mail.restarts:
			v = a.unlessReplaced(&terminationReason{cause: invocation.Misbehaved, reason: why})
		case <-stable.C:
			a.lasted = true
		case <-a.w.mail.resets:
			a.w.record.Reset()
		case gone := <-a.w.leaving.ended:
			a.w.reap(gone)
		case <-ctx.Done():
			v = &terminationReason{cause: invocation.Stopped}
		}
		if v != nil {
			a.abortReplacement(kill, invocation.Stopped, ErrStopped)
			return *v
		}
		a.markReady()
		if a.lasted && a.w.record.Status.State == status.Online {
			a.lasted = false
			a.w.record.Stabilize()
		}
	}
}

// untilStable fires when the run has lasted so long that the unstable ones before it
// are forgotten.
func (a *activation) untilStable() *time.Timer {
	timer := time.NewTimer(a.serving.Spec().Restart.StableAfter())
	if a.w.record.Status.Unstable == 0 {
		timer.Stop()
	}
	return timer
}

// requireLongerRun has a program of a crash loop of which nothing is heard outlive its last run
// before it counts as online.
func (a *activation) requireLongerRun() {
	st := &a.w.record.Status
	if !a.serving.noReadinessSource || !st.CrashLooping() || st.LastExit == nil || st.LastExit.Outcome == status.Clean {
		return
	}
	limit := min(2*st.LastExit.Uptime, a.serving.Spec().Restart.StableAfter())
	a.serving.extendDeadline(limit)
}

// hear takes an event of the serving invocation. It returns why that is to end.
func (a *activation) hear(e event.Event) *terminationReason {
	r := a.serving
	switch e.Kind {
	case event.Exited:
		return a.unlessReplaced(&terminationReason{cause: invocation.Died, reason: status.ByExit})
	case event.Listening:
		r.meet(e)
		a.onListening()
	case event.StoppedListening:
		a.onStoppedListening()
	case event.Ready:
		r.meet(e)
	case event.Checked:
		if !r.stopping {
			r.meet(e)
			return a.unlessReplaced(a.observeCheck(e.Check))
		}
	case event.WatchdogExpired:
		if !r.stopping {
			a.w.logWatchdog(e)
			return a.unlessReplaced(&terminationReason{cause: invocation.Misbehaved, reason: status.ByWatchdog})
		}
	case event.Stopping:
		a.onStopping()
	case event.Extended:
		r.extendDeadline(e.Extend)
	case event.DeadlineExceeded:
		return a.unlessReplaced(a.overdue())
	case event.Alive: // the invocation's own
	}
	return nil
}

// logWatchdog reports why an invocation is taken for one that hangs.
func (w *Worker) logWatchdog(e event.Event) {
	if e.Watchdog == nil {
		w.deps.Log.Error("watchdog expired: worker sent WATCHDOG=trigger", "worker", w.Name())
		return
	}
	w.deps.Log.Error("watchdog expired: no WATCHDOG=1", "worker", w.Name(), "watchdog", *e.Watchdog)
}

// markReady steers connections to an invocation that has met every condition.
func (a *activation) markReady() {
	r := a.serving
	if !r.satisfied() || r.stopping || a.w.record.Status.State != status.Launching {
		return
	}
	r.AcceptTraffic()
	a.w.recordListening(r)
	a.w.enter(status.Online)
	r.StartWatchdog()
	a.w.target.complete(nil)
}

// onStoppedListening takes note that the program has closed its servers, and lives on: it is
// out of the steering, and not ready.
func (a *activation) onStoppedListening() {
	if a.w.record.Status.State != status.Online || a.serving.stopping {
		return
	}
	a.w.deps.Log.Warn("worker has closed its servers and lives on: it gets no more connections", "worker", a.w.Name())
	a.serving.stoppedListening = true
	a.w.record.SetReady(false)
	a.w.publish()
}

// onListening takes note that it listens, maybe later than it was online.
func (a *activation) onListening() {
	a.w.listening = listens
	if !a.serving.stoppedListening {
		return
	}
	a.serving.stoppedListening = false
	a.w.record.SetReady(!a.serving.stopping)
	a.w.publish()
}

// onStopping takes an invocation that has sent STOPPING=1 out of the steering, and
// leaves it the time of a stop.
func (a *activation) onStopping() {
	r := a.serving
	if r.stopping {
		return
	}
	a.w.deps.Log.Info("worker is stopping by itself: STOPPING=1", "worker", a.w.Name())
	r.stopping = true
	r.StopWatchdog()
	r.setDeadline(r.Spec().KillTimeout)
	a.stopTraffic()
}

// stopTraffic takes the serving invocation out of the steering.
func (a *activation) stopTraffic() {
	a.serving.StopTraffic()
	a.w.record.SetReady(false)
	a.w.publish()
}

// overdue ends an invocation that was to do more until now than to listen.
func (a *activation) overdue() *terminationReason {
	r := a.serving
	switch {
	case !r.outOfTime():
		return nil
	case r.stopping:
		a.w.deps.Log.Error("worker sent STOPPING=1 but did not exit within kill_timeout", "worker", a.w.Name(), "kill_timeout", r.Spec().KillTimeout)
		return &terminationReason{cause: invocation.Misbehaved, reason: status.ByExit}
	case r.unmet() != "" && a.w.record.Status.State == status.Launching:
		a.w.deps.Log.Error("worker not ready in time", "worker", a.w.Name(), "listen_timeout", r.limit, "missing", r.missing())
		return &terminationReason{cause: invocation.Misbehaved, reason: status.ByExit, late: r.lateError()}
	case r.boots():
		return nil
	}
	r.listen = false
	return nil
}

// observeCheck puts a result of the health check on record, and ends an invocation that is
// to be restarted for it. One that is only to be taken out of the steering comes
// back when it recovers.
func (a *activation) observeCheck(result health.Result) *terminationReason {
	a.w.record.ObserveCheck(status.Check{OK: result.OK, Text: result.Text, Took: result.Duration})
	defer a.w.publish()
	unhealthy := result.Condition == health.Unhealthy
	if a.w.record.Status.State != status.Online || unhealthy != a.w.record.Status.Ready {
		return nil
	}
	a.w.record.SetReady(!unhealthy)
	if !unhealthy {
		a.w.deps.Log.Info("worker has recovered", "worker", a.w.Name())
		a.w.record.JournalHealth("healthy: " + result.Text)
		a.serving.AcceptTraffic()
		return nil
	}
	a.serving.StopTraffic()
	a.w.record.JournalHealth("unhealthy: " + result.Text)
	onFailure := a.serving.Spec().Health.OnFailure
	a.w.deps.Log.Error("worker is unhealthy", "worker", a.w.Name(), "check", result.Text, "on_failure", onFailure)
	if onFailure == health.Unready {
		return nil
	}
	return &terminationReason{cause: invocation.Misbehaved, reason: status.ByHealth}
}
