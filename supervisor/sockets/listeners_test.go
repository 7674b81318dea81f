package sockets

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

func TestListenersAreFoundByTheirPort(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", ":0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
			if err != nil {
				t.Skip(err) // no IPv6
			}
			defer l.Close()
			listening, ok := l.(*net.TCPListener)
			address, isTCP := l.Addr().(*net.TCPAddr)
			if !ok || !isTCP {
				t.Fatalf("%T", l)
			}
			client, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
			must(t, err)
			defer client.Close()
			accepted, err := listening.AcceptTCP()
			must(t, err)
			defer accepted.Close()

			want := inode(t, listening)
			got, err := Listeners(address.Port)
			must(t, err)
			has := func(inode uint64) bool {
				return slices.ContainsFunc(got, func(one Listener) bool { return one.Inode == inode })
			}
			if !has(want) || has(inode(t, accepted)) {
				t.Fatalf("Listeners(%d) = %v, want %d and no connection", address.Port, got, want)
			}
			bound, _ := netip.AddrFromSlice(address.IP)
			at := slices.IndexFunc(got, func(one Listener) bool { return one.Inode == want })
			if ip := got[at].Address.IP; ip != bound.Unmap() || got[at].Address.Port != address.Port {
				t.Errorf("it listens at %v, not %v", got[at].Address, address)
			}
			must(t, l.Close())
			got, err = Listeners(address.Port)
			must(t, err)
			if has(want) {
				t.Errorf("Listeners(%d) = %v after Close", address.Port, got)
			}
		})
	}
}
