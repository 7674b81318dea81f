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

// Serving watches what one run serves to clients on the shared addresses. It keeps
// nothing of what it has seen, and has no goroutine. Safe for concurrent use, if Members
// and Failed are.
type Serving struct {
	Groups  *Groups
	Owner   Owner               // the run
	Members func() []int        // its processes
	User    *syscall.Credential // of the processes; nil: gorun's
	Idle    time.Duration       // a connection is done with after that long
	Failed  func(error)         // gets why their connections cannot be listed: then they count as idle
}

// queued counts the connections in the run's accept queues.
func (s Serving) queued() int {
	n := 0
	for _, queue := range s.Groups.Queues() {
		if slices.Contains(queue.Owners, s.Owner) {
			n += queue.Length
		}
	}
	return n
}

// AwaitEmpty waits until the run's accept queues have been empty for a moment, or
// until exited is closed or ctx ends. It asks for no processes.
func (s Serving) AwaitEmpty(ctx context.Context, exited <-chan struct{}) {
	look := time.NewTicker(queueLook)
	defer look.Stop()
	since := time.Now()
	for time.Since(since) < queueMoment {
		if s.queued() > 0 {
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

// connectionLook is how often the connections of a run are looked at.
const connectionLook = 20 * time.Millisecond

// AwaitIdle waits until every connection of the processes to a shared address is closed
// or done with, seen twice in a row. It returns false where exited is closed or ctx ends
// before.
func (s Serving) AwaitIdle(ctx context.Context, exited <-chan struct{}) bool {
	return s.await(ctx, exited, func(Connection) bool { return true })
}

// AwaitServed is AwaitIdle for the connections that there are now: new ones may come
// meanwhile.
func (s Serving) AwaitServed(ctx context.Context, exited <-chan struct{}) bool {
	inodes, err := Inodes(s.Members(), s.User)
	if err != nil {
		s.Failed(err)
		return true
	}
	open, err := s.clients(inodes)
	if err != nil || len(open) == 0 {
		return true
	}
	old := map[uint64]netip.AddrPort{}
	for _, c := range open {
		old[c.Inode] = c.Remote
	}
	return s.await(ctx, exited, func(c Connection) bool { return old[c.Inode] == c.Remote })
}

// await waits for those of the connections that count.
func (s Serving) await(ctx context.Context, exited <-chan struct{}, counts func(Connection) bool) bool {
	for quiet := 0; quiet < 2; quiet++ {
		begun := time.Now()
		serves, err := s.serves(counts)
		if err != nil {
			s.Failed(err)
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

// serves reports whether the processes serve a client that counts.
func (s Serving) serves(counts func(Connection) bool) (bool, error) {
	inodes, err := Inodes(s.Members(), s.User)
	if err != nil {
		return false, err
	}
	open, err := s.clients(inodes)
	return slices.ContainsFunc(open, func(c Connection) bool { return !c.Done(s.Idle) && counts(c) }), err
}

// clients returns the connections of clients other than gorun, which connects from
// probe addresses, see Address.Probe.
func (s Serving) clients(inodes map[uint64]bool) ([]Connection, error) {
	open, err := s.Groups.Connections(inodes)
	probes := netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 103}), 16)
	return slices.DeleteFunc(open, func(c Connection) bool { return probes.Contains(c.Remote.Addr()) }), err
}
