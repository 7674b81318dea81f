package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
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
	meanwhile *verdict
}

// events is the stream of the replacement; nothing where there is none.
func (r *replacement) events() <-chan invocation.Event {
	if r == nil {
		return nil
	}
	return r.Events()
}

// expect notes the update that the next invocation is started by.
func (w *Worker) expect(u Update) {
	w.update = Progress{Number: u.Number}
	w.adopt(u.Spec)
}

// adopt makes the worker run by another revision of its app. Its next invocation
// writes to the log files of that one.
func (w *Worker) adopt(conf *spec.App) {
	if conf.Logs != w.spec.Logs {
		w.output.Reconfigure(conf.Logs)
	}
	w.spec = conf
}

// settle says that the update has come to its end, if it has not: the worker is online
// by it or has ended well, or err.
func (w *Worker) settle(err error) {
	if !w.update.Done {
		w.update.Done, w.update.Err = true, err
		w.publish()
	}
}

// takeUp gives the worker another invocation: beside the present one where that can
// be, else after its end. A replacement that is under way is superseded.
func (w *Worker) takeUp(kill context.Context, u Update) *verdict {
	meanwhile := w.giveUpReplacement(kill, invocation.Replaced, ErrSuperseded)
	if meanwhile == nil && u.Rolling && w.status.State == status.Online && w.ports.Shared() {
		w.replace(u)
		return nil
	}
	w.expect(u)
	return &verdict{cause: invocation.Replaced, reason: u.Reason}
}

// replace starts a replacement beside the serving invocation.
func (w *Worker) replace(u Update) {
	before := w.spec
	w.expect(u)
	next, err := w.launch()
	if err != nil {
		w.status.Exits[status.Failure]++
		w.adopt(before)
		w.settle(err)
		return
	}
	w.replacement = &replacement{run: next, update: u, before: before}
	lasting := max(u.Spec.Restart.MinUptime, settling)
	switch {
	case next.blind: // one that serves is not given up for less than a stable run
		next.allow(lasting)
	case !w.serving.HasListened() && next.unmet() == "":
		next.allow(min(next.limit, lasting)) // nor will this one: it works off a queue
	}
}

// unlessReplaced holds back why the serving invocation is to end while a replacement
// is under way: that will take over, or it counts then.
func (w *Worker) unlessReplaced(v *verdict) *verdict {
	if v == nil || w.replacement == nil {
		return v
	}
	if v.cause == invocation.Died {
		w.stopTraffic()
	}
	if w.replacement.meanwhile == nil || v.cause == invocation.Died {
		w.replacement.meanwhile = v
	}
	return nil
}

// hearReplacement takes an event of the replacement. It returns why the serving
// invocation is to end, where nothing takes over from it.
func (w *Worker) hearReplacement(kill context.Context, e invocation.Event) *verdict {
	next := w.replacement
	switch e.Kind {
	case invocation.Exited:
		return w.giveUpReplacement(kill, invocation.Died, errEnded)
	case invocation.Listening, invocation.Ready, invocation.Checked:
		next.mustListen = w.serving.HasListened()
		next.meet(e)
	case invocation.Extended:
		next.prolong(e.Extend)
	case invocation.DeadlineExceeded:
		if !next.outOfTime() {
			return nil
		}
		if next.unmet() != "" || next.listen && w.serving.HasListened() {
			return w.giveUpReplacement(kill, invocation.Misbehaved, next.lateError())
		}
		next.listen = false
	case invocation.Stopping, invocation.Alive, invocation.WatchdogExpired:
	}
	if next.satisfied() {
		w.takeOver(kill)
	}
	return nil
}

// takeOver steers to the replacement, which is ready, and lets the invocation that
// it replaces finish beside it.
func (w *Worker) takeOver(kill context.Context) {
	old, next := w.serving, w.replacement
	next.TakeOver(old.Invocation)
	w.countRestart(next.update.Reason, hooks.Event{})
	w.observeStart(next.Started())
	w.status.Ready = true
	w.serving, w.replacement = next.run, nil
	w.present(next.run)
	next.StartWatchdog()
	drain(w.restarts) // they were about the old one
	w.settle(nil)
	w.leave(kill, old, leaver{cause: invocation.Replaced, reason: next.update.Reason})
}

// giveUpReplacement ends a replacement that is under way, if there is one. It
// returns what has become of the serving invocation meanwhile.
func (w *Worker) giveUpReplacement(kill context.Context, cause invocation.Cause, why error) *verdict {
	next := w.replacement
	if next == nil {
		return nil
	}
	w.replacement = nil
	w.adopt(next.before)
	w.leave(kill, next.run, leaver{cause: cause, failed: why, update: next.update.Number})
	return next.meanwhile
}

// leaver is an invocation that serves no more, or never did.
type leaver struct {
	invocation *invocation.Invocation
	cause      invocation.Cause
	reason     status.Reason
	failed     error  // why it did not replace another; nil: it was replaced
	update     uint64 // that it was to come to
}

// departed is a leaver that is gone.
type departed struct {
	leaver
	end invocation.End
}

// leaving are the invocations that terminate beside the serving one.
type leaving struct {
	ended chan departed
	count int
}

func newLeaving() leaving { return leaving{ended: make(chan departed)} }

// leave terminates an invocation beside the serving one.
func (w *Worker) leave(kill context.Context, r *run, l leaver) {
	l.invocation = r.Invocation
	if r.HasExited() {
		l.cause = invocation.Died
	}
	w.leaving.count++
	ended := w.leaving.ended
	go func() { ended <- departed{l, l.invocation.Terminate(kill, l.cause)} }()
	w.publish()
}

// reap puts the end of an invocation that has left on record.
func (w *Worker) reap(d departed) {
	w.leaving.count--
	ended := end{End: d.end, reason: d.reason}
	w.recordEnd(d.invocation, &ended)
	if d.failed != nil && d.update == w.update.Number {
		w.settle(&StartError{Cause: d.failed, Exit: w.status.LastExit.Text, Tail: ended.Tail})
	}
	w.publish()
}

// awaitLeaving waits until every invocation has left.
func (w *Worker) awaitLeaving() {
	for w.leaving.count > 0 {
		w.reap(<-w.leaving.ended)
	}
}

// StartError says why a new invocation of a worker did not come to serve.
type StartError struct {
	Cause error
	Exit  string   // how it ended, named
	Tail  []string // its last lines on stderr
}

// Error has the last lines after the cause.
func (e *StartError) Error() string {
	text := e.Cause.Error()
	if e.Exit != "" {
		text += " (exit " + e.Exit + ")"
	}
	if len(e.Tail) > 0 {
		text += "; its last lines:\n  " + strings.Join(e.Tail, "\n  ")
	}
	return text
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Cause }

// failure is the end of an invocation for whoever has waited for it to be online.
func (w *Worker) failure(ended end) error {
	cause := errEnded
	if ended.late {
		cause = fmt.Errorf("%w within its listen_timeout of %v", errNotReady, w.spec.ListenTimeout)
	}
	return &StartError{Cause: cause, Exit: w.status.LastExit.Text, Tail: ended.Tail}
}

// IsStartError reports whether an app could not start because a program did not.
func IsStartError(err error) bool { return errors.As(err, new(*StartError)) }
