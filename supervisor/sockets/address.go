// Package sockets holds the listening sockets that workers share, and steers new
// connections to the workers that are online. The kernel does the work: no byte of
// traffic passes through gorun but that of relayed connections, which waited for a
// worker that has ended. Groups has no goroutine of its own except for those.
package sockets

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Kind is the protocol of a shared address.
type Kind int

// The kinds.
const (
	TCP  Kind = iota
	UDP       // datagrams over IP
	Unix      // a stream socket with a path
)

// Address is an address that a worker binds.
type Address struct {
	Kind   Kind
	IP     netip.Addr // for TCP and UDP; unspecified addresses are given as such
	Port   int        // for TCP and UDP; 0: any free one, the same for all workers with this Key
	V6Only bool       // for IPv6: IPV6_V6ONLY
	Path   string     // for Unix, absolute: a worker may live in another directory; a leading NUL is an abstract name
	Key    string     // distinguishes several addresses with port 0; else ""
}

// String returns the address as host:port, udp/host:port, a path or @name.
func (a Address) String() string {
	switch a.Kind {
	case Unix:
		if a.Path != "" && a.Path[0] == 0 {
			return "@" + strings.TrimRight(a.Path[1:], "\x00") // Node 20 fills the name up
		}
		return a.Path
	case UDP:
		return "udp/" + a.hostPort()
	case TCP:
	}
	return a.hostPort()
}

func (a Address) hostPort() string {
	return net.JoinHostPort(a.IP.String(), strconv.Itoa(a.Port))
}

// local is where this host itself reaches the address: over IPv4 where possible, as
// the probe addresses are IPv4.
func (a Address) local() netip.AddrPort {
	ip := a.IP.Unmap()
	if ip.IsUnspecified() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1}) // a dual-stack socket accepts it, too
		if a.V6Only {
			ip = netip.IPv6Loopback()
		}
	}
	return netip.AddrPortFrom(ip, uint16(a.Port))
}

// Probe is the local address to dial from in order to reach exactly the member at
// position, whatever the balance. It is invalid for addresses that have none: IPv6
// only, and paths.
func (a Address) Probe(position int) netip.Addr {
	if a.Kind == Unix || !a.local().Addr().Is4() {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte{probeNet >> 24, probeNet >> 16 & 0xff, byte(position >> 8), byte(position)})
}

// family is the address family of the socket.
func (a Address) family() int {
	switch {
	case a.Kind == Unix:
		return unix.AF_UNIX
	case a.IP.Is4():
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// sockaddr is the address for bind(2).
func (a Address) sockaddr() unix.Sockaddr {
	switch a.family() {
	case unix.AF_UNIX:
		return &unix.SockaddrUnix{Name: a.unixName()}
	case unix.AF_INET:
		return &unix.SockaddrInet4{Port: a.Port, Addr: a.IP.As4()}
	}
	return &unix.SockaddrInet6{Port: a.Port, Addr: a.IP.As16(), ZoneId: zone(a.IP.Zone())}
}

// unixName is the name as x/sys expects it: there a leading @ stands for NUL.
func (a Address) unixName() string {
	switch {
	case a.Path == "":
		return ""
	case a.Path[0] == 0:
		return "@" + a.Path[1:]
	case a.Path[0] == '@':
		return "./" + a.Path
	}
	return a.Path
}

// zone returns the index of the interface that a scoped address names by number or
// by name.
func zone(name string) uint32 {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n)
	}
	if link, err := net.InterfaceByName(name); err == nil {
		return uint32(link.Index)
	}
	return 0
}
