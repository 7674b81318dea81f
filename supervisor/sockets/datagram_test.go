package sockets

import (
	"net"
	"net/netip"
	"sync"
	"testing"
)

func TestFlowOfDatagramsStaysTogether(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "::1", "::"} {
		g := newGroups(t, Spread)
		members := online(t, g, 3, Address{Kind: UDP, IP: netip.MustParseAddr(ip)})
		for i, m := range members {
			echo(t, m, byte(i))
		}
		used := map[byte]bool{}
		for range 40 {
			c := flow(t, netip.Addr{}, members[0].Address())
			first := exchange(t, c)
			for range 5 {
				if name := exchange(t, c); name != first {
					t.Fatalf("%s: a flow went from %d to %d", ip, first, name)
				}
			}
			used[first] = true
		}
		if len(used) != 3 {
			t.Errorf("%s: 40 flows use %v", ip, used)
		}
	}
}

func TestDatagramMembersAreInOrderOfBind(t *testing.T) {
	g := newGroups(t, Spread)
	address := Address{Kind: UDP, IP: netip.MustParseAddr("::")}
	for owner := range Owner(5) {
		echo(t, take(t, g, owner, address), byte(owner))
	}
	bound := g.Addresses()[0]
	for position := range 5 {
		if name := exchange(t, flow(t, bound.Probe(position), bound)); int(name) != position {
			t.Errorf("position %d is %d", position, name)
		}
	}
	if name := exchange(t, flow(t, netip.Addr{}, bound)); name != 0 {
		t.Errorf("%d gets a datagram, nobody is online, want the first", name)
	}
	must(t, g.Online(3))
	for range 20 {
		if name := exchange(t, flow(t, netip.Addr{}, bound)); name != 3 {
			t.Errorf("%d gets a datagram, want 3, the only one online", name)
		}
	}
}

// echo answers each datagram with name.
func echo(t *testing.T, m *Member, name byte) {
	t.Helper()
	conn, err := net.FilePacketConn(duplicate(t, m))
	must(t, err)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			_, from, err := conn.ReadFrom(make([]byte, 16))
			if err != nil {
				return
			}
			_, _ = conn.WriteTo([]byte{name}, from)
		}
	})
	t.Cleanup(func() { _ = conn.Close(); done.Wait() })
}

func flow(t *testing.T, from netip.Addr, address Address) net.Conn {
	t.Helper()
	d := &net.Dialer{}
	if from.IsValid() {
		d.LocalAddr = &net.UDPAddr{IP: from.AsSlice()}
	}
	c, err := d.DialContext(t.Context(), "udp", address.local().String())
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func exchange(t *testing.T, c net.Conn) byte {
	t.Helper()
	_, err := c.Write([]byte("?"))
	must(t, err)
	name, err := answer(c)
	must(t, err)
	return name
}
