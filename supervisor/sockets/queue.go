package sockets

import (
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// Queue is the accept queue of one member.
type Queue struct {
	Address Address
	Owners  []Owner
	Length  int // connections that wait to be accepted
	Limit   int // the most that may wait
}

// Queues returns the accept queues of all listening TCP members.
func (g *Groups) Queues() []Queue {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.removeShutDown()
	var queues []Queue
	for _, of := range g.groups {
		if of.address.Kind != TCP {
			continue
		}
		for _, m := range of.members {
			queues = append(queues, m.queue())
		}
	}
	return queues
}

// queue reads length and limit. For a listener the kernel puts them into tcpi_unacked
// and tcpi_sacked of tcp_info (tcp_get_info in net/ipv4/tcp.c).
func (m *Member) queue() Queue {
	q := Queue{Address: m.group.address, Owners: slices.Clone(m.owners)}
	if q.Address.Kind != TCP || !slices.Contains(m.group.members, m) {
		return q
	}
	if info, err := unix.GetsockoptTCPInfo(m.fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
		q.Length, q.Limit = int(info.Unacked), int(info.Sacked)
	}
	return q
}

// Addresses returns the shared addresses with a listening member.
func (g *Groups) Addresses() []Address {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []Address
	for _, of := range g.groups {
		if len(of.members) > 0 {
			all = append(all, of.address)
		}
	}
	return all
}

// ProbeTarget is how to reach exactly one worker behind a shared port: by the local
// address to dial from.
type ProbeTarget struct {
	Address Address
	From    netip.Addr
	To      netip.AddrPort
}

// Probe returns the ways to reach owner over TCP: it need not be online. There is
// none to a socket that all workers share, and none to an address that is IPv6 only.
// A target is valid until a member is shut down: call Probe again for each probe.
func (g *Groups) Probe(owner Owner) []ProbeTarget {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.removeShutDown()
	var targets []ProbeTarget
	for _, of := range g.groups {
		if of.address.Kind != TCP || of.isSingleSocket() {
			continue
		}
		for position, m := range of.members {
			from := of.address.Probe(position)
			if from.IsValid() && slices.Contains(m.owners, owner) {
				targets = append(targets, ProbeTarget{of.address, from, of.address.local()})
			}
		}
	}
	return targets
}
