package sockets

import (
	"context"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

const (
	// queueLook is how often an accept queue is looked at: the kernel reports to
	// nobody when it has become empty.
	queueLook = 5 * time.Millisecond
	// queueMoment is how long it must have been empty.
	queueMoment = 25 * time.Millisecond
)

// Queued counts the connections in the owner's accept queues.
func (g *Groups) Queued(owner Owner) int {
	n := 0
	for _, queue := range g.Queues() {
		if slices.Contains(queue.Owners, owner) {
			n += queue.Length
		}
	}
	return n
}

// AwaitEmpty waits until the owner's accept queues have been empty for a moment, or
// until exited is closed or ctx ends.
func (g *Groups) AwaitEmpty(ctx context.Context, exited <-chan struct{}, owner Owner) {
	look := time.NewTicker(queueLook)
	defer look.Stop()
	since := time.Now()
	for time.Since(since) < queueMoment {
		if g.Queued(owner) > 0 {
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

// connectionLook is how often the connections of an owner are looked at.
const connectionLook = 20 * time.Millisecond

// AwaitIdle waits until every connection of the processes to a shared address is closed
// or done with for that long, seen twice in a row. It returns false where exited is
// closed or ctx ends before. Processes whose connections cannot be listed count as
// idle; failed gets the reason.
func (g *Groups) AwaitIdle(ctx context.Context, exited <-chan struct{}, processes func() []int, user *syscall.Credential, idle time.Duration, failed func(error)) bool {
	for quiet := 0; quiet < 2; quiet++ {
		begun := time.Now()
		serves, err := g.serves(processes(), user, idle)
		if err != nil {
			failed(err)
		}
		if serves {
			quiet = -1
		}
		// Many connections take long to look at: that is a small part of the time.
		pause := time.NewTimer(max(connectionLook, 4*time.Since(begun)))
		select {
		case <-pause.C:
		case <-exited:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// serves reports whether the processes serve a client other than gorun, which connects
// from probe addresses, see Address.Probe.
func (g *Groups) serves(pids []int, user *syscall.Credential, idle time.Duration) (bool, error) {
	inodes, err := Inodes(pids, user)
	if err != nil {
		return false, err
	}
	open, err := g.Connections(inodes)
	if err != nil {
		return false, err
	}
	probes := netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 103}), 16)
	return slices.ContainsFunc(open, func(c Connection) bool {
		return !c.Done(idle) && !probes.Contains(c.Remote.Addr())
	}), nil
}
