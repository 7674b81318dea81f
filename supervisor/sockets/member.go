package sockets

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Member is one socket of a group. gorun holds it open, so that a worker's death
// destroys no accept queue.
type Member struct {
	group    *group
	fd       int     // -1 when closed
	owners   []Owner // one at most, unless the group is one socket
	backlog  int
	dropsNew bool // it drops new connections
}

// Descriptor is the socket, or -1 when the groups are closed. The group owns it: pass
// on a duplicate.
func (m *Member) Descriptor() int {
	m.group.groups.mu.Lock()
	defer m.group.groups.mu.Unlock()
	return m.fd
}

// Address is the member's address, with the port that the kernel chose for 0.
func (m *Member) Address() Address { return m.group.address }

// Listen makes the member listen, when its worker does: a port refuses connections
// until its first worker really serves. A second call sets the backlog; less than 1
// is the most that the kernel allows. The member gets no connections before its
// owner is online, unless no owner ever was.
func (m *Member) Listen(backlog int) error {
	m.group.groups.mu.Lock()
	defer m.group.groups.mu.Unlock()
	if m.group.address.Kind == UDP {
		return nil
	}
	m.group.groups.removeShutDown()
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
	if len(of.members) == 0 && !of.isSingleSocket() && len(m.owners) > 0 {
		// A socket with SO_REUSEADDR may be bound beside another until one of them listens.
		if err := of.checkAvailable(m.owners[0]); err != nil {
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
	m.addToGroup()
	return errors.Join(of.groups.watch.add(m), of.attach())
}

// addToGroup puts the member where the kernel has it: at the end.
func (m *Member) addToGroup() {
	of := m.group
	of.waiting = slices.DeleteFunc(of.waiting, func(other *Member) bool { return other == m })
	of.members = append(of.members, m)
}

// removeShutDown removes members that their worker has shut down: shutdown(2) on a
// listener ends it for all processes (.NET does so when it closes one).
func (g *Groups) removeShutDown() {
	for _, m := range g.watch.shutDown() {
		m.rebind()
		if m.group.address.Kind == TCP && m.group.isSingleSocket() && unix.Listen(m.fd, m.backlog) == nil {
			continue // for its other owners
		}
		g.watch.remove(m)
		m.removeFromGroup()
	}
}

// rebind binds the member again to a port that the kernel once chose, and that the
// shutdown has released (tcp_disconnect in net/ipv4/tcp.c).
func (m *Member) rebind() {
	if m.group.address.Kind == TCP {
		_ = unix.Bind(m.fd, m.group.address.sockaddr()) // EINVAL: it is still bound
	}
}

// removeFromGroup does as the kernel does, which moves the last of its group into the
// position (__reuseport_detach_sock in net/core/sock_reuseport.c).
func (m *Member) removeFromGroup() {
	of := m.group
	last := len(of.members) - 1
	of.members[slices.Index(of.members, m)] = of.members[last]
	of.members = of.members[:last]
	of.table.attached = nil
	if of.address.Kind == Unix {
		m.close() // it can never listen again (unix_listen in net/unix/af_unix.c)
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
