package sockets

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Connection is a TCP connection that a process serves: it has the socket
// open, and may still read or write. Addresses are IPv4 where the client uses it.
type Connection struct {
	Inode         uint64
	Local, Remote netip.AddrPort
	Idle          time.Duration // since data last moved, either way, or since it was made; in ticks of the kernel, 1 to 10 ms
	Unread        int           // bytes that the process has not read
	Unsent        int           // bytes that the client has not acknowledged
	Last          Side
}

// Side is whose data moved last.
type Side int

// The sides.
const (
	Neither Side = iota // the client has sent nothing yet
	Worker              // the client has its answer, or will get no more
	Client              // it is being answered
	Either              // both in one tick: answered, or asked again at once
)

// String returns the side as logs have it.
func (s Side) String() string {
	return [...]string{"neither", "worker", "client", "either"}[s]
}

// doubt is how many times as long a connection must be idle where the kernel
// does not tell whether its last request is answered. Most are: a fast worker
// answers within a tick. The other case is a client that asks again within the
// tick of the last answer, and then waits for a slow one.
const doubt = 5

// Done tells whether the worker may end without harm to the client: nothing is
// on its way, no request is being answered, however long that takes without a
// byte, and nothing has moved for idle. Two things cannot be told from here: that a
// worker has begun its answer (or a TLS handshake has sent its tickets after
// the request) and computes the rest for longer than idle, and which of several
// requests on one connection (HTTP/2) is answered. A client whose last word
// needs no answer never is done.
func (c Connection) Done(idle time.Duration) bool {
	if c.Unread > 0 || c.Unsent > 0 {
		return false
	}
	switch c.Last {
	case Client:
		return false
	case Either:
		return c.Idle >= doubt*idle
	case Neither, Worker:
	}
	return c.Idle >= idle
}

// Connections returns the connections to the groups' TCP addresses whose
// sockets have these inodes. Paths and UDP have none, nor have the accept
// queues (see Queues). The kernel may skip one that moves within its table
// meanwhile: look twice before it counts as closed. After Close there is none.
func (g *Groups) Connections(inodes map[uint64]bool) ([]Connection, error) {
	if len(inodes) == 0 {
		return nil, nil
	}
	r := reply{inodes: inodes}
	for of, addresses := range g.tables() {
		r.addresses = addresses
		if err := r.fetch(of); err != nil {
			return nil, fmt.Errorf("list connections: %w", err)
		}
	}
	return r.found, nil
}

// tables tells what to ask the kernel for: usually one part of its table.
func (g *Groups) tables() map[part][]netip.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[part][]netip.Addr{}
	for _, of := range g.groups {
		if of.address.Kind == TCP {
			one := part{uint8(of.address.family()), uint16(of.address.Port)}
			all[one] = append(all[one], of.address.IP)
		}
	}
	return all
}

// covered tells whether local belongs to the addresses: a worker may listen
// elsewhere on the same port, for itself.
func covered(addresses []netip.Addr, local netip.Addr) bool {
	for _, address := range addresses {
		ip := address.Unmap().WithZone("")
		if ip.IsUnspecified() || ip == local {
			return true
		}
	}
	return false
}

// last tells whose data moved last. The kernel counts in ticks (tcp_get_info in
// net/ipv4/tcp.c), and a connection begins with both ages at zero
// (tcp_create_openreq_child in net/ipv4/tcp_minisocks.c): hence the counts.
func last(state uint8, info *unix.TCPInfo) Side {
	switch {
	case state == unix.BPF_TCP_FIN_WAIT1 || state == unix.BPF_TCP_FIN_WAIT2:
		return Worker // it has shut its side: what comes from the client has no answer
	case info.Data_segs_in == 0:
		return Neither
	case info.Data_segs_out == 0 || info.Last_data_recv < info.Last_data_sent:
		return Client
	case info.Last_data_recv > info.Last_data_sent:
		return Worker
	case state == unix.BPF_TCP_ESTABLISHED && info.Last_ack_recv < info.Last_data_recv:
		return Worker // its data acknowledges what came before: what came alone later, bar a FIN, is for the answer
	}
	return Either
}
