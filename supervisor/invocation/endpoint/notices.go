package endpoint

import (
	"context"
	"slices"
	"sync/atomic"

	"gorun/supervisor/invocation/event"
	"gorun/supervisor/notify"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
)

// notices is what a run reports by sd_notify(3).
type notices struct {
	events        *eventBuffer
	record        func(status.Event)
	waitsForReady bool // for READY=1

	socket  *notify.Socket         // nil: none could be had
	mainPid int                    // of the process that speaks for the run; the reading goroutine's own, once it reads
	stop    context.CancelFunc     // ends the reading
	status  atomic.Pointer[string] // the last STATUS=
}

// listen gives the process a socket for sd_notify(3). Nothing depends on it unless
// the app says so.
func (n *notices) listen(e *Endpoint, request *process.Spec) {
	user := e.ports.deps.UID
	if e.app.User != nil {
		user = int(e.app.User.UID)
	}
	socket, err := notify.Listen(notify.Options{
		Dirs: []string{"/run/gorun", "/dev/shm"}, User: user, Watchdog: e.app.Watchdog, Log: e.ports.deps.Log,
		Owns: func(pid int) bool { return e.process != nil && slices.Contains(e.process.Members(), pid) },
	})
	if err != nil {
		e.ports.deps.Log.Debug("no socket for sd_notify", "app", e.app.Name, "error", err)
		return
	}
	n.socket = socket
	request.Env = append(notify.WithoutVariables(request.Env), socket.Environ()...)
}

// start reads what the process notifies until the run is released.
func (n *notices) start(ports *SharedPorts, pid int) {
	if n.socket == nil {
		return
	}
	n.mainPid = pid
	var ctx context.Context
	ctx, n.stop = context.WithCancel(context.Background())
	ports.Go(func() {
		_ = n.socket.Run(ctx, n.receive) // ends with ctx
		_ = n.socket.Close()
	})
}

// receive takes one notice. It never waits.
func (n *notices) receive(m notify.Message) {
	if m.Ready {
		if n.waitsForReady && !n.events.ready.Load() {
			n.mainPid = m.Sender // behind npm it is not the first
		}
		n.events.markReady()
	}
	if m.KeepAlive || m.Watchdog != nil {
		n.events.send(event.Event{Kind: event.Alive, Watchdog: m.Watchdog})
	}
	if m.WatchdogTrigger {
		n.events.send(event.Event{Kind: event.WatchdogExpired})
	}
	if m.Stopping && m.Sender == n.mainPid { // and not a helper of it
		n.events.send(event.Event{Kind: event.Stopping})
	}
	if m.Extend > 0 {
		n.events.send(event.Event{Kind: event.Extended, Extend: m.Extend})
	}
	if m.Status != nil {
		n.status.Store(m.Status)
		n.record(status.Event{Kind: "status", Text: *m.Status})
	}
}

func (n *notices) close() {
	if n.socket != nil {
		_ = n.socket.Close()
	}
}
