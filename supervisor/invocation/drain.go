package invocation

import (
	"context"
	"time"
)

const (
	// connectionLook is how often the connections of a worker are looked at.
	connectionLook = 20 * time.Millisecond
	// leaveMoment is what a Node process takes to end when nothing keeps it.
	leaveMoment = 50 * time.Millisecond
)

// Drain lets the run take what waits in its accept queue and finish what it is
// answering; Node's cluster is asked to end by itself.
func (e *endpoint) Drain(ctx context.Context, exited <-chan struct{}, limits DrainLimits) {
	e.check.stop()
	e.ports.park()
	ctx, cancel := context.WithTimeout(ctx, limits.Total)
	defer cancel()
	if e.ports.Shared() {
		e.ports.groups.AwaitEmpty(ctx, exited, e.owner)
	}
	if e.endsByItself() {
		e.channel.Disconnect()
	}
	e.finish(ctx, exited, limits.Idle)
}

// finish waits until every connection of the worker to a shared address is
// closed or done with, seen twice in a row. One of Node's cluster may then end by
// itself: it closes its channel when it serves nobody any more.
func (e *endpoint) finish(ctx context.Context, exited <-chan struct{}, idle time.Duration) {
	for done := 0; done < 2; {
		begun := time.Now()
		if e.busy(idle) {
			done = 0
		} else {
			done++
		}
		// Many connections take long to look at: that is a small part of the time.
		pause := time.NewTimer(max(connectionLook, 4*time.Since(begun)))
		select {
		case <-pause.C:
		case <-exited:
			return
		case <-ctx.Done():
			return
		}
	}
	if e.endsByItself() {
		e.awaitEnd(ctx, exited, idle)
	} // others wait for their stop signal, or message
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

// busy reports whether the run is known to serve somebody but gorun.
func (e *endpoint) busy(idle time.Duration) bool {
	if !e.ports.Shared() || e.process == nil {
		return false
	}
	serves, err := e.ports.groups.Serves(e.process.Members(), e.app.User.Credential(), idle)
	if err != nil {
		e.ports.deps.Log.Debug("cannot list a worker's connections", "app", e.app.Name, "error", err)
	}
	return serves
}
