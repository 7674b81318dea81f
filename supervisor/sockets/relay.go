package sockets

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// relayLimit is how many connections are relayed at a time: each takes up to six
// descriptors, with the pipes that the kernel copies through (splice(2)).
const relayLimit = 1000

// relayDelays are when gorun looks for connections that wait for a worker that is
// gone: when its replacement has had a moment to take them, and again for those whose
// handshake was under way, or whose replacement failed. The last is repeated for as
// long as there are some: Relay takes up so many at a time.
var relayDelays = [...]time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second}

// relays are the connections that gorun relays: they waited in the accept queue of a
// member whose worker has ended, and the kernel cannot move them.
type relays struct {
	mu      sync.Mutex
	open    map[net.Conn]context.CancelFunc
	done    bool
	total   map[Address]uint64
	running sync.WaitGroup
}

// Relay accepts the connections that wait on members without an owner, and relays
// them, byte for byte, to a worker that is online. It returns how many it accepted;
// each is relayed until it ends, or until Close. Connections above the limit stay in
// their queue: call Relay again.
func (g *Groups) Relay() int {
	n := 0
	for _, m := range g.ownerless() {
		for g.relays.hasRoom() {
			client := m.accept()
			if client == nil {
				break
			}
			n++
			g.relays.start(client, m.Address())
		}
	}
	return n
}

// RelayAll passes on what waits on sockets without a worker, until nothing is left or
// closed is closed. report gets how many connections each look has found.
func (g *Groups) RelayAll(closed <-chan struct{}, report func(connections int)) {
	last := len(relayDelays) - 1
	for i := 0; ; i = min(i+1, last) {
		select {
		case <-time.After(relayDelays[i]):
		case <-closed:
			return
		}
		n := g.Relay()
		if n > 0 {
			report(n)
		}
		if n == 0 && i == last {
			return
		}
	}
}

// ownerless returns the listening members without an owner.
func (g *Groups) ownerless() []*Member {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.removeShutDown()
	var found []*Member
	for _, of := range g.groups {
		if of.address.Kind != TCP || of.isSingleSocket() || len(of.live()) == 0 {
			continue
		}
		for _, m := range of.members {
			if len(m.owners) == 0 {
				found = append(found, m)
			}
		}
	}
	return found
}

// accept accepts a connection where the member still has no owner; with the lock
// held, none can acquire it meanwhile. It returns nil when no connection waits, or on
// an error.
func (m *Member) accept() net.Conn {
	m.group.groups.mu.Lock()
	defer m.group.groups.mu.Unlock()
	if m.group.groups.closed || len(m.owners) > 0 {
		return nil
	}
	return m.acceptOne()
}

// acceptOne is for whoever holds the lock.
func (m *Member) acceptOne() net.Conn {
	// The last owner may have made it blocking, for all processes that have it open.
	if m.fd < 0 || unix.SetNonblock(m.fd, true) != nil {
		return nil
	}
	for {
		fd, _, err := unix.Accept4(m.fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ECONNABORTED) {
			continue
		}
		if err != nil {
			return nil
		}
		file := os.NewFile(uintptr(fd), "relayed connection")
		client, err := net.FileConn(file)
		_ = file.Close() // FileConn has its own
		if err == nil {
			return client
		}
	}
}

func (r *relays) hasRoom() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.done && len(r.open) < relayLimit
}

// start relays one connection, unless close was called.
func (r *relays) start(client net.Conn, to Address) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		_ = client.Close() // the port refuses by now
		return
	}
	if r.open == nil {
		r.open, r.total = map[net.Conn]context.CancelFunc{}, map[Address]uint64{}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.open[client] = cancel
	r.total[to]++
	r.running.Go(func() {
		relayOne(ctx, client, to)
		r.remove(client)
		cancel()
	})
}

func (r *relays) remove(client net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, client)
}

// relayOne relays one connection: the BPF program steers gorun's own connection to a
// worker that is online.
func relayOne(ctx context.Context, client net.Conn, to Address) {
	defer client.Close()
	worker, err := (&net.Dialer{}).DialContext(ctx, "tcp", to.local().String())
	if err != nil {
		return
	}
	defer worker.Close()
	stop := context.AfterFunc(ctx, func() { _, _ = client.Close(), worker.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { copyStream(worker, client) })
	both.Go(func() { copyStream(client, worker) })
	both.Wait()
}

// copyStream copies until the source ends, and then shuts down the other direction.
func copyStream(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok && err == nil {
		_ = half.CloseWrite() // an error: it is closed already
		return
	}
	_, _ = to.Close(), from.Close()
}

// close ends all relayed connections.
func (r *relays) close() {
	r.mu.Lock()
	r.done = true
	for _, cancel := range r.open {
		cancel()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// Relayed returns how many connections were relayed, by address.
func (g *Groups) Relayed() map[Address]uint64 {
	g.relays.mu.Lock()
	defer g.relays.mu.Unlock()
	return maps.Clone(g.relays.total)
}
