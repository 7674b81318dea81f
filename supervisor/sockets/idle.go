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

// probes are the addresses that gorun itself connects from, see Address.Probe.
var probes = netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 103}), 16)

// Serves reports whether the processes serve somebody but gorun on a shared address:
// whether a connection is neither closed nor done with for that long.
func (g *Groups) Serves(pids []int, user *syscall.Credential, idle time.Duration) (bool, error) {
	inodes, err := Inodes(pids, user)
	if err != nil {
		return false, err
	}
	open, err := g.Connections(inodes)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(open, func(c Connection) bool {
		return !c.Done(idle) && !probes.Contains(c.Remote.Addr())
	}), nil
}
