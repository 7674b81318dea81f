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
	NotSent       int           // bytes of them that the kernel has not even sent
	Last          Side
	In, Out       uint32 // segments with data, from the client and to it
}

// Side is the side whose data moved last.
type Side int

// The sides.
const (
	Neither Side = iota // the client has sent nothing yet
	Worker              // the client has its response, or will get no more
	Client              // the worker owes it a response
	Either              // both in one tick: answered, or asked again at once
)

// String returns the name of the side for logs.
func (s Side) String() string {
	return [...]string{"neither", "worker", "client", "either"}[s]
}

// eitherFactor is how many times as long a connection must be idle if its last side
// is Either: the kernel does not show whether its last request is answered. Most
// are: a fast worker answers within a tick. The other case is a client that sends
// the next request within the tick of the last response, and waits for a slow one.
const eitherFactor = 5

// Done reports whether the worker may end without harm to the client: no data is on
// its way, no request waits for its response, and no data has moved for idle. Two
// things cannot be seen from here: that a worker has begun its response (or a TLS
// handshake has sent its tickets after the request) and computes the rest for longer
// than idle, and which of several requests on one connection (HTTP/2) is answered. A
// connection whose client sends last and expects no response is never done.
func (c Connection) Done(idle time.Duration) bool {
	if c.Unread > 0 || c.Unsent > 0 {
		return false
	}
	switch c.Last {
	case Client:
		return false
	case Either:
		return c.Idle >= eitherFactor*idle
	case Neither, Worker:
	}
	return c.Idle >= idle
}

// Connections returns the connections to the groups' TCP addresses whose sockets
// have these inodes. Those to paths, UDP sockets and those in accept queues (see
// Queues) are not among them. The kernel may skip a connection that moves within its
// table meanwhile: only a connection that is missing twice is closed. After Close
// there are none.
func (g *Groups) Connections(inodes map[uint64]bool) ([]Connection, error) {
	if len(inodes) == 0 {
		return nil, nil
	}
	c := connections{inodes: inodes}
	for query, addresses := range g.queries() {
		c.addresses = addresses
		if err := query.dump(c.add); err != nil {
			return nil, fmt.Errorf("list connections: %w", err)
		}
	}
	return c.found, nil
}

// queries returns the ports to ask the kernel for, usually one, with the groups'
// addresses.
func (g *Groups) queries() map[portQuery][]netip.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[portQuery][]netip.Addr{}
	for _, of := range g.groups {
		if of.address.Kind == TCP {
			query := portQuery{
				family: uint8(of.address.family()), port: uint16(of.address.Port),
				states: openStates, attributes: 1 << (diagInfo - 1),
			}
			all[query] = append(all[query], of.address.IP)
		}
	}
	return all
}

// covered reports whether local belongs to the addresses: a worker may listen at
// another address of the same port on its own.
func covered(addresses []netip.Addr, local netip.Addr) bool {
	for _, address := range addresses {
		ip := address.Unmap().WithZone("")
		if ip.IsUnspecified() || ip == local {
			return true
		}
	}
	return false
}

// last returns the side whose data moved last. The kernel counts in ticks
// (tcp_get_info in net/ipv4/tcp.c), and a connection begins with both ages at zero
// (tcp_create_openreq_child in net/ipv4/tcp_minisocks.c): so the counts decide, too.
func last(state uint8, info *unix.TCPInfo) Side {
	switch {
	case state == unix.BPF_TCP_FIN_WAIT1 || state == unix.BPF_TCP_FIN_WAIT2:
		return Worker // it has shut down its side: a client's data gets no response
	case info.Data_segs_in == 0:
		return Neither
	case info.Data_segs_out == 0 || info.Last_data_recv < info.Last_data_sent:
		return Client
	case info.Last_data_recv > info.Last_data_sent:
		return Worker
	case state == unix.BPF_TCP_ESTABLISHED && info.Last_ack_recv < info.Last_data_recv:
		return Worker // the client's data carries an ACK of its own: a later bare ACK, other than a FIN, is for the response
	}
	return Either
}
