package sockets

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
)

// Why one owner alone cannot be connected to.
var (
	ErrNotListening   = errors.New("it does not listen yet")
	ErrNoProbeAddress = errors.New("its sockets have no probe addresses")
)

// DialOwner connects to exactly one owner, from its probe address, at a port that it
// listens on; 0: the first.
func (g *Groups) DialOwner(ctx context.Context, owner Owner, port int) (net.Conn, error) {
	for _, target := range g.Probe(owner) {
		if port == 0 || target.Address.Port == port {
			dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(target.From, 0))}
			return dialer.DialContext(ctx, "tcp", target.To.String())
		}
	}
	addresses := g.Addresses()
	if len(addresses) == 0 {
		return nil, ErrNotListening
	}
	for _, address := range addresses {
		if g.balance != Shared && address.Probe(0).IsValid() {
			return nil, ErrNotListening
		}
	}
	return nil, ErrNoProbeAddress
}

// Fits reports whether a probe of that port, 0 for any, may go to the address.
func (a Address) Fits(port int) bool {
	return a.Kind == Unix || a.Kind == TCP && (port == 0 || a.Port == port)
}

// Dial connects to the address, whoever accepts there. One that stands for all is
// reached over the loopback.
func (a Address) Dial(ctx context.Context) (net.Conn, error) {
	if a.Kind == Unix {
		return new(net.Dialer).DialContext(ctx, "unix", a.Path)
	}
	host := "localhost"
	if a.IP.IsValid() && !a.IP.IsUnspecified() {
		host = a.IP.String()
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(a.Port)))
}
