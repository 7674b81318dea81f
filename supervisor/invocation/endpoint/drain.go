package endpoint

import (
	"context"
	"time"

	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
)

// DrainLimits bound how long a run may take to finish what it serves.
type DrainLimits struct {
	Total time.Duration
	Idle  time.Duration // of a connection that is done with
}

// Drain lets the run take what waits in its accept queue and finish what it is
// answering, as far as gorun can see it. It asks the program nothing: an app that
// handles its stop signal is told by that.
func (e *Endpoint) Drain(ctx context.Context, exited <-chan struct{}, limits DrainLimits) {
	e.draining.Store(true)
	e.poller.savePorts(e.process)
	e.probe.stop()
	if !e.ports.Shared() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limits.Total)
	defer cancel()
	if e.ports.terminating.Load() {
		e.serveTerminating(ctx, exited, limits)
	}
	e.ports.park()
	serving := e.serving(limits.Idle)
	serving.AwaitEmpty(ctx, exited)
	if e.process != nil {
		serving.AwaitIdle(ctx, exited)
	}
}

// serveTerminating has the run serve new clients while it finishes with those that it has, and
// takes it out of the steering then: they have nowhere else to go. Half of the time is
// for those who came last.
func (e *Endpoint) serveTerminating(ctx context.Context, exited <-chan struct{}, limits DrainLimits) {
	ctx, cancel := context.WithTimeout(ctx, limits.Total/2)
	defer cancel()
	if e.process != nil {
		e.serving(limits.Idle).AwaitServed(ctx, exited)
	}
	e.ports.logError(e.ports.groups.Offline(e.owner))
}

// serving watches what the run's processes serve.
func (e *Endpoint) serving(idle time.Duration) sockets.Serving {
	return sockets.Serving{
		Groups: e.ports.groups, Owner: e.owner, Members: e.process.Members, User: e.app.User.Credential(), Idle: idle,
		Failed: func(err error) {
			e.ports.deps.Log.Debug("cannot list a worker's connections", "app", e.app.Name, "error", err)
		},
	}
}

// Clients returns the clients that the run still serves; nil: none.
func (e *Endpoint) Clients() process.Clients {
	if !e.ports.Shared() || e.process == nil {
		return nil
	}
	clients := e.serving(0).Clients()
	if clients == nil {
		return nil // and no interface with a nil in it
	}
	return clients
}

// AskToStop asks the program to stop by a message, where its app says so. It returns
// false where a signal has to.
func (e *Endpoint) AskToStop() bool {
	return e.app.ShutdownWithMessage && e.ipc.IsOpen() && e.ipc.Send("shutdown") == nil
}

// handlerMoment is what a Node process gets between its stop signal and the end of
// its IPC channel: its handler comes first, and may send a message.
const handlerMoment = 200 * time.Millisecond

// DisconnectIPC ends what gorun holds open, in time: the run was asked to stop, and its handler
// comes first.
func (e *Endpoint) DisconnectIPC() { e.ipc.disconnect() }
