package supervisor

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"gorun/supervisor/sockets"
)

const (
	// drainLook is how often the accept queue is looked at: the kernel tells
	// nobody when it has become empty.
	drainLook = 5 * time.Millisecond
	// drainMoment is how long it must have been empty.
	drainMoment = 25 * time.Millisecond
	// connectionLook is how often the connections of a worker are looked at.
	connectionLook = 20 * time.Millisecond
	// leaveMoment is what a Node process takes to end when nothing keeps it.
	leaveMoment = 50 * time.Millisecond
)

// drain lets the worker take what waits in its accept queue and finish what it
// is answering; Node's cluster is told to end by itself. It returns when that is
// done, when its time is over, or when ctx ends.
func (l *link) drain(ctx context.Context, exited <-chan struct{}, limits drainLimits) {
	l.hearing.unwatch()
	l.sharing.park()
	ctx, cancel := context.WithTimeout(ctx, limits.total)
	defer cancel()
	l.empty(ctx, exited)
	if l.leaves() {
		l.channel.Disconnect()
	}
	l.finish(ctx, exited, limits.idle)
}

// drainLimits bound what a worker may take to finish.
type drainLimits struct {
	total time.Duration
	idle  time.Duration // of a connection that is done with
}

// empty waits until the accept queue has been empty for a moment.
func (l *link) empty(ctx context.Context, exited <-chan struct{}) {
	look := time.NewTicker(drainLook)
	defer look.Stop()
	since := time.Now()
	for l.sharing.shares() && time.Since(since) < drainMoment {
		if l.sharing.waiting(l.owner) > 0 {
			since = time.Now()
		}
		select {
		case <-look.C:
		case <-exited:
			return
		case <-ctx.Done():
			return
		}
	}
}

// finish waits until every connection of the worker to a shared address is
// closed or done with, seen twice in a row. One of Node's cluster may then end by
// itself: it closes its channel when it serves nobody any more.
func (l *link) finish(ctx context.Context, exited <-chan struct{}, idle time.Duration) {
	for done := 0; done < 2; {
		begun := time.Now()
		if l.busy(idle) {
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
	if l.leaves() {
		l.leave(ctx, exited, idle)
	} // others wait for their stop signal, or message
}

// leaves tells whether the process ends by itself when it is told to disconnect.
// One that awaits a message would lose the channel that this comes by.
func (l *link) leaves() bool { return l.served.Load() && !l.app.ShutdownWithMessage }

// dismiss implements door.
func (l *link) dismiss() bool {
	return l.app.ShutdownWithMessage && l.channel != nil && l.channel.Send("shutdown") == nil
}

// leave waits for the end of a Node worker that serves nobody any more. What
// then still keeps it (a timer, a database) waits for the stop signal.
func (l *link) leave(ctx context.Context, exited <-chan struct{}, idle time.Duration) {
	limit := time.NewTimer(idle)
	defer limit.Stop()
	closed := l.channel.Closed()
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

// busy tells whether the worker is known to serve somebody but gorun.
func (l *link) busy(idle time.Duration) bool {
	probes := netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 103}), 16) // see sockets.Address.Probe
	if !l.sharing.shares() || l.process == nil {
		return false
	}
	inodes, err := sockets.Inodes(l.process.Members(), l.app.User.Credential())
	if err != nil {
		l.sharing.tools.log.Debug("cannot tell a worker's connections", "app", l.app.Name, "error", err)
		return false
	}
	open, err := l.sharing.groups.Connections(inodes)
	if err != nil {
		l.sharing.tools.log.Debug("cannot tell a worker's connections", "app", l.app.Name, "error", err)
		return false
	}
	return slices.ContainsFunc(open, func(c sockets.Connection) bool {
		return !c.Done(idle) && !probes.Contains(c.Remote.Addr())
	})
}
