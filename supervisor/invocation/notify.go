package invocation

import (
	"context"
	"slices"
	"sync/atomic"

	"gorun/supervisor/notify"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
)

// notifySource is what a run reports by sd_notify(3).
type notifySource struct {
	socket  *notify.Socket         // nil: none could be had
	mainPid int                    // of the process that speaks for the run; the reading goroutine's own, once it reads
	stop    context.CancelFunc     // ends the reading
	status  atomic.Pointer[string] // the last STATUS=
}

// listenForNotices gives the process a socket for sd_notify(3). Nothing depends
// on it unless the app says so.
func (e *endpoint) listenForNotices(request *process.Spec) {
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
	e.notify.socket = socket
	request.Env = append(notify.WithoutVariables(request.Env), socket.Environ()...)
}

// readNotices reads what the process notifies until it is released.
func (e *endpoint) readNotices(p *process.Process) {
	if e.notify.socket == nil {
		return
	}
	e.notify.mainPid = p.Pid()
	var ctx context.Context
	ctx, e.notify.stop = context.WithCancel(context.Background())
	e.ports.Go(func() {
		_ = e.notify.socket.Run(ctx, e.receiveNotice) // ends with ctx
		_ = e.notify.socket.Close()
	})
}

// receiveNotice takes one notice. It never waits.
func (e *endpoint) receiveNotice(m notify.Message) {
	if m.Ready {
		if e.app.WaitReady && !e.reports.ready.Load() {
			e.notify.mainPid = m.Sender // behind npm it is not the first
		}
		e.reports.markReady()
	}
	if m.KeepAlive {
		e.reports.send(Event{Kind: Alive})
	}
	if m.Stopping && m.Sender == e.notify.mainPid { // and not a helper of it
		e.reports.send(Event{Kind: Stopping})
	}
	if m.Extend > 0 {
		e.reports.send(Event{Kind: Extended, Extend: m.Extend})
	}
	if m.Status != nil {
		e.notify.status.Store(m.Status)
		e.record(status.Event{Kind: "status", Text: *m.Status})
	}
}

func (n *notifySource) close() {
	if n.socket != nil {
		_ = n.socket.Close()
	}
}
