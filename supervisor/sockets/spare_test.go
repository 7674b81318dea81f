package sockets

import (
	"context"
	"net"
	"testing"
	"time"
)

// lone is a group with one worker that is online, and then leaves.
func oneWorkerGroup(t *testing.T, balance Balance) (*Groups, net.Listener) {
	t.Helper()
	g := New(balance)
	t.Cleanup(g.Close)
	m, err := g.Acquire(1, at("127.0.0.1"))
	must(t, err)
	must(t, m.Listen(100))
	l := listener(t, m)
	must(t, g.Online(1))
	reach(t, l.Addr().String())
	c, err := l.Accept()
	must(t, err)
	_ = c.Close()
	must(t, g.Offline(1))
	return g, l
}

// reach connects; the connection lives as long as the test.
func reach(t *testing.T, address string) {
	t.Helper()
	c, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", address)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
}

func TestQueuedConnectionsWaitForTheNextWorker(t *testing.T) {
	for _, balance := range []Balance{Spread, Sticky} {
		t.Run(balance.String(), func(t *testing.T) {
			g, old := oneWorkerGroup(t, balance)
			must(t, g.QueueConnections(-1))
			for range 20 {
				reach(t, old.Addr().String())
			}
			for _, q := range g.Queues() {
				if len(q.Owners) > 0 && q.Length > 0 {
					t.Errorf("%d connections wait for a worker that is on its way out", q.Length)
				}
			}
			next, err := g.Acquire(2, at("127.0.0.1"))
			must(t, err)
			must(t, next.Listen(100))
			l := listener(t, next)
			must(t, g.Online(2))
			for range 20 {
				c, err := l.Accept()
				must(t, err)
				_ = c.Close()
			}
		})
	}
}

func TestParkIsForWhenNobodyIsOnline(t *testing.T) {
	g := New(Spread)
	defer g.Close()
	m, err := g.Acquire(1, at("127.0.0.1"))
	must(t, err)
	must(t, m.Listen(100))
	l := listener(t, m)
	must(t, g.Online(1))
	must(t, g.QueueConnections(-1))
	reach(t, l.Addr().String())
	c, err := l.Accept()
	must(t, err)
	_ = c.Close()
}

func TestWithoutAQueueNewClientsAreNotAnswered(t *testing.T) {
	g, l := oneWorkerGroup(t, Spread)
	must(t, g.QueueConnections(0))
	reach(t, l.Addr().String()) // the one that is let in
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err == nil {
		_ = c.Close()
		t.Fatal("a second one was let in")
	}
	if !isTimeout(err) {
		t.Errorf("it was told: %v", err)
	}
}
