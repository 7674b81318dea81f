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
	Limit   int // how many may
}

// Queues tells the accept queues of all listening TCP members.
func (g *Groups) Queues() []Queue {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forgetShutDown()
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

// queue reads the figures. For a listener the kernel puts both into fields of
// tcp_info that are idle otherwise: tcpi_unacked and tcpi_sacked (tcp_get_info
// in net/ipv4/tcp.c).
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

// Addresses lists what is shared and listened on.
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

// ProbeTarget is how one worker is reached on its own behind a shared port:
// by the local address that one dials from.
type ProbeTarget struct {
	Address Address
	From    netip.Addr
	To      netip.AddrPort
}

// Probe returns the ways to reach owner over TCP: it need not be online. There
// is none where all workers have one socket, and none to IPv6 alone. A target
// holds until a member is shut down: ask again for each probe.
func (g *Groups) Probe(owner Owner) []ProbeTarget {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forgetShutDown()
	var targets []ProbeTarget
	for _, of := range g.groups {
		if of.address.Kind != TCP || g.shares(of) {
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
