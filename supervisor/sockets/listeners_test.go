package sockets

import (
	"net"
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
			if !slices.Contains(got, want) || slices.Contains(got, inode(t, accepted)) {
				t.Errorf("Listeners(%d) = %d, want %d and no connection", address.Port, got, want)
			}
			must(t, l.Close())
			got, err = Listeners(address.Port)
			must(t, err)
			if slices.Contains(got, want) {
				t.Errorf("Listeners(%d) = %d after Close", address.Port, got)
			}
		})
	}
}
