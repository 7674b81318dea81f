package sockets

import (
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Lacks returns the addresses where one owner listens and the other does not. The same
// port at another IP counts as the same: it is where clients of the one will be served.
// Ports that the kernel chose are left out, since nobody can know them beforehand.
func (g *Groups) Lacks(owner, of Owner) []Address {
	g.mu.Lock()
	defer g.mu.Unlock()
	var missing []Address
	for _, one := range g.groups {
		if one.address.Key != "" || !one.listens(of) {
			continue
		}
		covered := false
		for _, other := range g.groups {
			covered = covered || other.listens(owner) && other.hasSamePort(one)
		}
		if !covered {
			missing = append(missing, one.address)
		}
	}
	return missing
}

// Serves reports whether the owner has a member at any address.
func (g *Groups) Serves(owner Owner) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, of := range g.groups {
		if of.listens(owner) {
			return true
		}
	}
	return false
}

// Withdraw takes the owner out of an address where it listens no more, while it lives
// on. What waits there is for the other owners; where there is none, the address is
// given up.
func (g *Groups) Withdraw(owner Owner, address Address) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	of := g.groups[address]
	if of == nil {
		for _, one := range g.groups { // a port that the kernel chose
			if one.address == address {
				of = one
			}
		}
	}
	if of == nil {
		return nil
	}
	for _, m := range of.all() {
		m.owners = without(m.owners, owner)
	}
	if !of.isOwned() {
		of.closeAddress()
		return nil
	}
	return of.attach()
}

// closeIfSuperseded gives the address up if nobody listens on it any more and the port is
// served at another IP now: clients of the old one would wait for nobody. While its
// owners are leaving, it turns new clients away.
func (of *group) closeIfSuperseded() {
	if !of.isOwned() && of.successor() != nil {
		of.closeAddress()
		return
	}
	of.dropNewConnections()
}

// CloseUnowned gives up the addresses that nobody listens on any more: to be called
// when every run has had its time to listen, and none is to come.
func (g *Groups) CloseUnowned() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, of := range g.groups {
		if !of.isOwned() {
			of.closeAddress()
		}
	}
}

// CountOnline counts the owners that are.
func (g *Groups) CountOnline() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.online)
}

// closeAddress closes a group: its address refuses from then on, and may be bound again. What
// waits in its queues goes to the group that serves the same port now; without one it is
// reset.
func (of *group) closeAddress() {
	maps.DeleteFunc(of.groups.groups, func(_ Address, one *group) bool { return one == of })
	for _, m := range of.members {
		of.groups.watch.remove(m)
	}
	if next := of.successor(); next != nil && of.address.Kind == TCP && !of.isSingleSocket() {
		of.dropNewConnections()
		of.handOver(next)
	}
	for _, m := range of.all() {
		m.close()
	}
	of.file.remove()
}

const (
	// handshakeMoment is how long nothing must have come to a queue that is given up, and
	// handshakeLimit the most that is waited for that.
	handshakeMoment, handshakeLimit = 5 * time.Millisecond, 50 * time.Millisecond
)

// dropSYN drops the first segment of new connections, which the client repeats: it is
// then for whoever serves the port. The filter sees the TCP header (tcp_filter in
// net/ipv4/tcp_ipv4.c).
func dropSYN(fd int) error {
	code := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0x12}, // SYN, ACK
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: 0x02},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	}
	filter := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &filter)
}

// dropNewConnections has a group drop new connections while nobody of it is online and another one
// serves the port: its workers are leaving, and would never come to an end.
func (of *group) dropNewConnections() {
	if of.address.Kind != TCP || of.isSingleSocket() {
		return
	}
	moved := len(of.live()) == 0 && of.successor() != nil
	for _, m := range of.members {
		switch {
		case moved && !m.dropsNew:
			m.dropsNew = dropSYN(m.fd) == nil
		case !moved && m.dropsNew:
			m.dropsNew = unix.SetsockoptInt(m.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) != nil
		}
	}
}

// successor is another group that serves the port; nil: none does.
func (of *group) successor() *group {
	for _, next := range of.onSamePort() {
		if len(next.live()) > 0 {
			return next
		}
	}
	return nil
}

// onSamePort returns the other groups with the port, at another IP. There is none for a
// path.
func (of *group) onSamePort() []*group {
	var others []*group
	for _, other := range of.groups.groups {
		if other != of && other.hasSamePort(of) {
			others = append(others, other)
		}
	}
	return others
}

// handOver relays what waits in the group's queues to another, and what is on its way
// there.
func (of *group) handOver(next *group) {
	fds := make([]unix.PollFd, len(of.members))
	for i, m := range of.members {
		fds[i] = unix.PollFd{Fd: int32(m.fd), Events: unix.POLLIN}
	}
	for end := time.Now().Add(handshakeLimit); time.Now().Before(end); {
		if n, err := unix.Poll(fds, int(handshakeMoment.Milliseconds())); n == 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		for _, m := range of.members {
			for client := m.acceptOne(); client != nil; client = m.acceptOne() {
				of.groups.relays.start(client, next.address)
			}
		}
	}
}

// listens reports whether the owner has a member here that serves.
func (of *group) listens(owner Owner) bool {
	return slices.ContainsFunc(of.members, func(m *Member) bool { return slices.Contains(m.owners, owner) })
}

func (of *group) isOwned() bool {
	return slices.ContainsFunc(of.all(), func(m *Member) bool { return len(m.owners) > 0 })
}

// hasSamePort reports whether clients of the other group's port reach this one.
func (of *group) hasSamePort(other *group) bool {
	a, b := of.address, other.address
	if a.Kind != b.Kind {
		return false
	}
	if a.Kind == Unix {
		return a.Path == b.Path
	}
	return a.Port == b.Port
}

// checkAvailable returns an error where another process has the address, or the owner itself has
// it at another IP. Another run of the app may have the port there, while the workers
// change from the one to the other.
func (of *group) checkAvailable(owner Owner) error {
	for _, other := range of.onSamePort() {
		if other.isOwned() && !other.has(owner) {
			return nil
		}
	}
	return checkFree(of.address)
}

func (of *group) has(owner Owner) bool {
	return slices.ContainsFunc(of.all(), func(m *Member) bool { return slices.Contains(m.owners, owner) })
}

// closeUnownedOnSamePort gives up the groups with the same port that nobody owns, where the sockets
// of two addresses cannot be bound at once.
func (of *group) closeUnownedOnSamePort() {
	for _, other := range of.onSamePort() {
		if !other.isOwned() {
			other.closeAddress()
		}
	}
}
