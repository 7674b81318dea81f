// Package freeport finds ports for tests, the unit tests of supervisor/ included. Only
// tests import it.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports from 32768 on are unsuitable, though "port 0" gives one of them: as soon
// as it is closed again, the kernel may give it to any client on the machine
// (net.ipv4.ip_local_port_range, ip(7)).
const first, beyond = 10000, 32768

// Take returns a port that no TCP and no UDP socket of the machine has, and
// that no other test gets, in this process or in another, until t has ended.
func Take(t *testing.T) int {
	t.Helper()
	const span = beyond - first
	start := rand.IntN(span)
	for i := range span {
		if port := first + (start+i)%span; reserve(t, port) {
			if isFree(t, port) {
				return port
			}
		}
	}
	t.Fatalf("no port from %d to %d is free", first, beyond-1)
	return 0
}

// Address returns 127.0.0.1 with a port of Take.
func Address(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", Take(t))
}

// reserve holds a name for the port: packages are tested side by
// side, and the port itself must stay free.
func reserve(t *testing.T, port int) bool {
	t.Helper()
	name, err := listen(t, "unix", fmt.Sprintf("@gorun-test-port-%d", port))
	if err != nil {
		return false
	}
	t.Cleanup(func() { _ = name.Close() })
	return true
}

func isFree(t *testing.T, port int) bool {
	t.Helper()
	address := fmt.Sprintf(":%d", port)
	stream, err := listen(t, "tcp", address)
	if err != nil {
		return false
	}
	_ = stream.Close()
	datagrams, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", address)
	if err != nil {
		return false
	}
	_ = datagrams.Close()
	return true
}

func listen(t *testing.T, network, address string) (net.Listener, error) {
	t.Helper()
	return new(net.ListenConfig).Listen(t.Context(), network, address)
}
