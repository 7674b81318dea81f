package worker

import (
	"context"

	"gorun/supervisor/invocation"
	"gorun/supervisor/status"
	"gorun/supervisor/worker/record"
)

// terminating is an invocation that serves no more, or never did.
type terminating struct {
	invocation *invocation.Invocation
	cause      invocation.Cause
	reason     status.Reason
	failed     error  // why it did not replace another; nil: it was replaced
	update     uint64 // that it was to come to
}

// terminated is one of them that is gone.
type terminated struct {
	terminating
	end invocation.End
}

// leaving are the invocations that terminate beside the serving one.
type leaving struct {
	ended chan terminated
	count int
}

func newLeaving() leaving { return leaving{ended: make(chan terminated)} }

// add terminates an invocation beside the serving one.
func (l *leaving) add(kill context.Context, one terminating) {
	if one.invocation.HasExited() {
		one.cause = invocation.Died
	}
	l.count++
	ended := l.ended
	go func() { ended <- terminated{one, one.invocation.Terminate(kill, one.cause)} }()
}

// reap puts the end of an invocation that has left on record.
func (w *Worker) reap(d terminated) {
	w.leaving.count--
	ended := record.End{End: d.end, Reason: d.reason}
	w.recordEnd(d.invocation, &ended)
	if d.failed != nil && d.update == w.target.update.Number {
		w.target.complete(newStartError(d.failed, ended, w.record.Status.LastExit))
	}
	w.publish()
}

// awaitLeaving waits until every invocation has left.
func (w *Worker) awaitLeaving() {
	for w.leaving.count > 0 {
		w.reap(<-w.leaving.ended)
	}
}
