package worker

import (
	"context"
	"time"

	"gorun/supervisor/invocation"
	"gorun/supervisor/invocation/event"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// replacement is an invocation that is to take over from the serving one.
type replacement struct {
	*run
	update Update
	before *spec.App // what the worker ran by, should it fail
	// meanwhile is why the serving invocation has ended or is to; it counts if the
	// replacement fails. nil: it serves.
	meanwhile *terminationReason
	lasting   bool // it has met every condition, and goes on for a moment
}

// minReadyTime is how long a replacement has to live on once it has met its conditions, before
// it takes over: one that fails at its first step is not to replace one that works.
const minReadyTime = 75 * time.Millisecond

// events is the stream of the replacement; nothing where there is none.
func (r *replacement) events() <-chan event.Event {
	if r == nil {
		return nil
	}
	return r.Events()
}

// applyUpdate gives the worker another invocation: beside the present one where that can
// be, else after its end. A replacement that is under way is superseded.
func (a *activation) applyUpdate(kill context.Context, u Update) *terminationReason {
	meanwhile := a.abortReplacement(kill, invocation.Replaced, ErrSuperseded)
	if meanwhile == nil && u.Rolling && a.w.record.Status.State == status.Online && a.ports.Shared() {
		a.replace(u)
		return nil
	}
	a.w.target.beginUpdate(u)
	return &terminationReason{cause: invocation.Replaced, reason: u.Reason}
}

// replace starts a replacement beside the serving invocation.
func (a *activation) replace(u Update) {
	before := a.w.target.spec
	a.w.target.beginUpdate(u)
	next, err := a.w.launch(a.ports)
	if err != nil {
		a.w.record.FailReplacement()
		a.w.target.setRevision(before)
		a.w.target.complete(err)
		return
	}
	a.replacement = &replacement{run: next, update: u, before: before}
	lasting := max(u.Spec.Restart.MinUptime, assumedReadyAfter)
	switch {
	case next.noReadinessSource: // one that serves is not given up for less than a stable run
		next.setDeadline(lasting)
	case a.serving.HasListened():
		next.limit = max(next.limit, u.Spec.ListenTimeout)
		next.setDeadline(next.limit)
	case next.unmet() == "":
		next.setDeadline(lasting) // nor will this one: it works off a queue
	}
}

// unlessReplaced holds back why the serving invocation is to end while a replacement
// is under way: that will take over, or it counts then.
func (a *activation) unlessReplaced(v *terminationReason) *terminationReason {
	if v == nil || a.replacement == nil {
		return v
	}
	if v.cause == invocation.Died {
		a.stopTraffic()
	}
	if a.replacement.meanwhile == nil || v.cause == invocation.Died {
		a.replacement.meanwhile = v
	}
	return nil
}

// hearReplacement takes an event of the replacement. It returns why the serving
// invocation is to end, where nothing takes over from it.
func (a *activation) hearReplacement(kill context.Context, e event.Event) *terminationReason {
	next := a.replacement
	switch e.Kind {
	case event.Exited:
		return a.abortReplacement(kill, invocation.Died, errEnded)
	case event.Listening, event.Ready, event.Checked:
		next.mustListen = a.serving.HasListened()
		next.meet(e)
		next.lacking = next.MissingAddresses(a.serving.Invocation)
	case event.Extended:
		next.extendDeadline(e.Extend)
	case event.DeadlineExceeded:
		if !next.outOfTime() {
			return nil
		}
		next.lacking = next.MissingAddresses(a.serving.Invocation)
		if next.unmet() != "" || len(next.lacking) > 0 || next.listen && a.serving.HasListened() {
			return a.abortReplacement(kill, invocation.Misbehaved, next.lateError())
		}
		next.listen, next.lasting = false, true // it has gone on for long enough
		a.takeOver(kill)
		return nil
	case event.WatchdogExpired: // its own word: the watchdog does not run yet
		a.w.logWatchdog(e)
		return a.abortReplacement(kill, invocation.Misbehaved, errTriggered)
	case event.Stopping: // it ends by itself
		return a.abortReplacement(kill, invocation.Misbehaved, errEnded)
	case event.StoppedListening, event.Alive:
	}
	if next.satisfied() && len(next.lacking) == 0 && !next.lasting {
		next.lasting = true
		next.setDeadline(minReadyTime)
	}
	return nil
}

// takeOver steers to the replacement, which is ready, and lets the invocation that
// it replaces finish beside it.
func (a *activation) takeOver(kill context.Context) {
	old, next := a.serving, a.replacement
	next.TakeOver(old.Invocation)
	a.w.recordListening(next.run)
	a.w.record.CountReplacement(next.update.Reason, next.Started())
	a.serving, a.replacement = next.run, nil
	a.w.setServing(next.run)
	next.StartWatchdog()
	drain(a.w.mail.restarts) // they were about the old one
	a.leave(kill, terminating{invocation: old.Invocation, cause: invocation.Replaced, reason: next.update.Reason})
	a.w.target.complete(nil) // last: whoever waits for it sees that one is leaving
}

// abortReplacement ends a replacement that is under way, if there is one. It
// returns what has become of the serving invocation meanwhile.
func (a *activation) abortReplacement(kill context.Context, cause invocation.Cause, why error) *terminationReason {
	next := a.replacement
	if next == nil {
		return nil
	}
	a.replacement = nil
	a.w.target.setRevision(next.before)
	a.leave(kill, terminating{invocation: next.Invocation, cause: cause, failed: why, update: next.update.Number})
	return next.meanwhile
}

// leave has an invocation terminate beside the serving one.
func (a *activation) leave(kill context.Context, one terminating) {
	a.w.leaving.add(kill, one)
	a.w.publish()
}
