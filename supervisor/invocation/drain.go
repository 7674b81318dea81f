package invocation

import (
	"context"
	"time"

	"gorun/supervisor/sockets"
)

// leaveMoment is what a Node process takes to end when nothing keeps it.
const leaveMoment = 50 * time.Millisecond

// Drain lets the run take what waits in its accept queue and finish what it is
// answering. A worker of Node's cluster is asked to end by itself: it closes its
// channel when it serves nobody any more. Others wait for their stop signal.
func (e *endpoint) Drain(ctx context.Context, exited <-chan struct{}, limits DrainLimits) {
	e.stopCheck()
	e.ports.park()
	ctx, cancel := context.WithTimeout(ctx, limits.Total)
	defer cancel()
	if e.ports.Shared() {
		e.ports.groups.AwaitEmpty(ctx, exited, e.owner)
	}
	if e.endsByItself() {
		e.channel.Disconnect()
	}
	if e.ports.Shared() && e.process != nil && !e.ports.groups.AwaitIdle(ctx, exited, sockets.Serving{
		Members: e.process.Members, User: e.app.User.Credential(), Idle: limits.Idle,
		Failed: func(err error) {
			e.ports.deps.Log.Debug("cannot list a worker's connections", "app", e.app.Name, "error", err)
		},
	}) {
		return
	}
	if e.endsByItself() {
		e.awaitEnd(ctx, exited, limits.Idle)
	}
}

// endsByItself reports whether the process ends when it is told to disconnect. One
// that waits for a message would lose the channel that this comes by.
func (e *endpoint) endsByItself() bool { return e.served.Load() && !e.app.ShutdownWithMessage }

// AskToStop implements Endpoint.
func (e *endpoint) AskToStop() bool {
	return e.app.ShutdownWithMessage && e.channel != nil && e.channel.Send("shutdown") == nil
}

// awaitEnd waits for the end of a Node worker that serves nobody any more. What
// then still keeps it (a timer, a database) waits for the stop signal.
func (e *endpoint) awaitEnd(ctx context.Context, exited <-chan struct{}, idle time.Duration) {
	limit := time.NewTimer(idle)
	defer limit.Stop()
	closed := e.channel.Closed()
	for {
		select {
		case <-closed:
			closed = nil
			limit.Reset(min(leaveMoment, idle))
		case <-limit.C:
			return
		case <-exited:
			return
		case <-ctx.Done():
			return
		}
	}
}
