package intercept

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// maxSockaddr is the most that the kernel accepts: sizeof(struct sockaddr_storage).
const maxSockaddr = 128

// The shortest socket addresses that the kernel accepts: struct sockaddr_in, and struct
// sockaddr_in6 with and without the scope (SIN6_LEN_RFC2133).
const (
	minSockaddr4 = 16
	minSockaddr6 = 24
	allSockaddr6 = 28
)

// protocol is the kind and family of a socket.
type protocol struct {
	kind   sockets.Kind
	family uint16
}

// protocols are those that can be shared, by the kernel's names. A member for MPTCP is a
// TCP socket: clients fall back to TCP by themselves.
var protocols = map[string]protocol{
	"TCP":         {sockets.TCP, unix.AF_INET},
	"TCPv6":       {sockets.TCP, unix.AF_INET6},
	"MPTCP":       {sockets.TCP, unix.AF_INET},
	"MPTCPv6":     {sockets.TCP, unix.AF_INET6},
	"UDP":         {sockets.UDP, unix.AF_INET},
	"UDPv6":       {sockets.UDP, unix.AF_INET6},
	"UNIX-STREAM": {sockets.Unix, unix.AF_UNIX},
}

// parse parses a socket address for a socket of the given protocol. It is not ok where
// bind(2) would refuse it, and where there is nothing to share: port 0, a multicast
// address, an abstract or automatic name. V6Only is left unset.
func parse(raw []byte, of protocol) (address sockets.Address, ok bool) {
	if len(raw) < 2 {
		return sockets.Address{}, false
	}
	family := binary.NativeEndian.Uint16(raw)
	switch of.family {
	case unix.AF_INET:
		address, ok = parse4(raw, family)
	case unix.AF_INET6:
		address, ok = parse6(raw, family)
	case unix.AF_UNIX:
		address, ok = parsePath(raw, family)
	}
	address.Kind = of.kind
	return address, ok
}

func parse4(raw []byte, family uint16) (sockets.Address, bool) {
	if len(raw) < minSockaddr4 {
		return sockets.Address{}, false
	}
	address := sockets.Address{
		IP:   netip.AddrFrom4([4]byte(raw[4:8])),
		Port: int(binary.BigEndian.Uint16(raw[2:])),
	}
	// Old programs leave the family out for "any" (inet_bind_sk in net/ipv4/af_inet.c).
	old := family == unix.AF_UNSPEC && address.IP.IsUnspecified()
	return address, (family == unix.AF_INET || old) && address.Port != 0 && !address.IP.IsMulticast()
}

func parse6(raw []byte, family uint16) (sockets.Address, bool) {
	if len(raw) < minSockaddr6 || family != unix.AF_INET6 {
		return sockets.Address{}, false
	}
	address := sockets.Address{
		IP:   netip.AddrFrom16([16]byte(raw[8:24])),
		Port: int(binary.BigEndian.Uint16(raw[2:])),
	}
	if len(raw) >= allSockaddr6 && address.IP.IsLinkLocalUnicast() && !address.IP.Is4In6() {
		if scope := binary.NativeEndian.Uint32(raw[24:]); scope != 0 {
			address.IP = address.IP.WithZone(strconv.FormatUint(uint64(scope), 10))
		}
	}
	return address, address.Port != 0 && !address.IP.IsMulticast()
}

// parsePath returns the path up to its NUL or the end of the address, whichever comes
// first (unix(7)).
func parsePath(raw []byte, family uint16) (sockets.Address, bool) {
	path, _, _ := bytes.Cut(raw[2:], []byte{0})
	return sockets.Address{Path: string(path)}, family == unix.AF_UNIX && len(path) > 0
}

// overlap reports whether sockets of one program cannot be bound to both addresses.
func overlap(a, b sockets.Address) bool {
	if a.Kind != b.Kind || a.Port != b.Port || a.Path != b.Path {
		return false
	}
	return a.Kind == sockets.Unix || covers(a, b) || covers(b, a)
}

// covers reports whether connections to b's address could arrive at a.
func covers(a, b sockets.Address) bool {
	to, at := b.IP.Unmap(), a.IP.Unmap()
	switch {
	case at == to:
		return true
	case !at.IsUnspecified():
		return false
	case at.Is4():
		return to.Is4()
	}
	return to.Is6() || !a.V6Only
}
