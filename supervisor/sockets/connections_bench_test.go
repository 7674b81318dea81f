package sockets

import (
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkConnections has up to 10,000 connections, with both ends in this
// process: Inodes reads twice as many links.
func BenchmarkConnections(b *testing.B) {
	g := New(Spread)
	defer g.Close()
	n := many(b, g)
	all, err := Inodes([]int{os.Getpid()}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			if found, err := g.Connections(all); err != nil || len(found) != n {
				b.Fatalf("%d connections of %d, %v", len(found), n, err)
			}
		}
		b.ReportMetric(float64(n), "connections")
	})
	b.Run("foreign", func(b *testing.B) {
		other := New(Spread)
		defer other.Close()
		address := at("127.0.0.1")
		if _, err := other.Acquire(0, address); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if found, err := other.Connections(all); err != nil || len(found) > 0 {
				b.Fatalf("%d connections, %v", len(found), err)
			}
		}
	})
	b.Run("inodes", func(b *testing.B) {
		for b.Loop() {
			if _, err := Inodes([]int{os.Getpid()}, nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(all)), "sockets")
	})
}

// many opens as many connections as the limit allows, up to 10,000.
func many(b *testing.B, g *Groups) int {
	b.Helper()
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 20200, Max: 20200}) // root's right
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	n := int(min(10000, (limit.Cur-100)/2))
	m, err := g.Acquire(0, at("127.0.0.1"))
	if err != nil {
		b.Fatal(err)
	}
	if err := m.Listen(0); err != nil {
		b.Fatal(err)
	}
	for range n {
		client, err := net.Dial("tcp", m.Address().local().String())
		if err != nil {
			b.Fatal(err)
		}
		worker, _, err := unix.Accept4(m.Descriptor(), unix.SOCK_CLOEXEC)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _, _ = client.Close(), unix.Close(worker) })
	}
	return n
}
