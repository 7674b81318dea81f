package sockets

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Member is one socket of a group. gorun holds it open: a worker's death
// destroys no accept queue.
type Member struct {
	groups  *Groups
	group   *group
	fd      int     // -1 when closed
	owners  []Owner // one at most, unless the group is one socket
	backlog int
}

// Descriptor is the socket, or -1 when the groups are closed. It stays the
// group's: pass on a duplicate.
func (m *Member) Descriptor() int {
	m.groups.mu.Lock()
	defer m.groups.mu.Unlock()
	return m.fd
}

// Address is where the member is bound, with the port that it got for 0.
func (m *Member) Address() Address { return m.group.address }

// Listen makes the member listen, at its worker's request: a port refuses
// connections until its first worker really serves. Asked again, it sets the
// backlog; less than 1 is the most that the kernel allows. Nothing comes in
// before the worker is online, unless nobody else ever was.
func (m *Member) Listen(backlog int) error {
	m.groups.mu.Lock()
	defer m.groups.mu.Unlock()
	if m.group.address.Kind == UDP {
		return nil
	}
	m.groups.forgetShutDown()
	if backlog < 1 {
		backlog = -1 // unsigned in the kernel, and cut to net.core.somaxconn (__sys_listen in net/socket.c)
	}
	if err := m.listen(backlog); err != nil {
		return fmt.Errorf("listen on %s: %w", m.group.address, err)
	}
	return nil
}

func (m *Member) listen(backlog int) error {
	of, listened := m.group, slices.Contains(m.group.members, m)
	if len(of.members) == 0 && !m.groups.shares(of) {
		// A socket with SO_REUSEADDR may be bound beside another until one of them listens.
		if err := vacant(of.address); err != nil {
			return err
		}
	}
	if err := unix.Listen(m.fd, backlog); err != nil {
		return err
	}
	m.backlog = backlog
	if listened {
		return nil
	}
	m.join()
	return errors.Join(m.groups.watch.add(m), m.groups.attach(of))
}

// join puts the member where the kernel has it: at the end.
func (m *Member) join() {
	of := m.group
	of.waiting = slices.DeleteFunc(of.waiting, func(other *Member) bool { return other == m })
	of.members = append(of.members, m)
}

// forgetShutDown takes members out that their worker has shut down: shutdown(2)
// on a listener ends it for everybody (.NET does so when it closes one).
func (g *Groups) forgetShutDown() {
	for _, m := range g.watch.ended() {
		m.rebind()
		if m.group.address.Kind == TCP && g.shares(m.group) && unix.Listen(m.fd, m.backlog) == nil {
			continue // for its other owners
		}
		g.watch.remove(m)
		m.leave()
	}
}

// rebind gives back the port that the kernel once chose: the member has lost
// it (tcp_disconnect in net/ipv4/tcp.c).
func (m *Member) rebind() {
	if m.group.address.Kind == TCP {
		_ = unix.Bind(m.fd, m.group.address.sockaddr()) // else EINVAL: it still is bound
	}
}

// leave follows the kernel, which moves the last of its group into the hole
// (__reuseport_detach_sock in net/core/sock_reuseport.c).
func (m *Member) leave() {
	of := m.group
	last := len(of.members) - 1
	of.members[slices.Index(of.members, m)] = of.members[last]
	of.members = of.members[:last]
	of.aim.attached = nil
	if of.address.Kind == Unix {
		m.close() // deaf for ever (unix_listen in net/unix/af_unix.c)
		return
	}
	of.waiting = append(of.waiting, m)
}

func (m *Member) close() {
	if m.group.address.Kind != UDP {
		_ = unix.Shutdown(m.fd, unix.SHUT_RDWR) // ENOTCONN: it never listened
	}
	unix.Close(m.fd)
	m.fd = -1
}
