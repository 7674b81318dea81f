package sockets

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// relayLimit is how many connections are passed on at a time: each takes up to
// six descriptors, with the pipes that the kernel copies through (splice(2)).
const relayLimit = 1000

// relays are the connections that gorun passes on itself: those that waited on
// a member whose worker is gone. The kernel cannot move them.
type relays struct {
	mu      sync.Mutex
	open    map[net.Conn]context.CancelFunc
	done    bool
	total   map[Address]uint64
	running sync.WaitGroup
}

// Relay accepts what waits on members that nobody owns, and passes it on, byte
// for byte, to a worker that is online. It returns how many connections it
// took up; the passing on ends with the connections, or with Close. What is
// above the limit stays in its queue: call it again.
func (g *Groups) Relay() int {
	n := 0
	for _, w := range g.stranded() {
		for g.relays.room() {
			client := g.rescue(w.member)
			if client == nil {
				break
			}
			n++
			g.relays.start(client, w.address)
		}
	}
	return n
}

// stranded is a listening member without an owner.
type stranded struct {
	member  *Member
	address Address
}

func (g *Groups) stranded() []stranded {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forgetShutDown()
	var found []stranded
	for _, of := range g.groups {
		if of.address.Kind != TCP || g.shares(of) || len(of.live(g.online)) == 0 {
			continue
		}
		for _, m := range of.members {
			if len(m.owners) == 0 {
				found = append(found, stranded{m, of.address})
			}
		}
	}
	return found
}

// rescue accepts a connection from a member that still has no owner: nobody can
// take it meanwhile. It returns nil when nothing waits any more, or nothing can be
// taken up.
func (g *Groups) rescue(m *Member) net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(m.owners) > 0 {
		return nil
	}
	// The last owner may have made it blocking, for everybody who has it open.
	if err := unix.SetNonblock(m.fd, true); err != nil {
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

func (r *relays) room() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.done && len(r.open) < relayLimit
}

// start passes one connection on, unless all are to end.
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
		pass(ctx, client, to)
		r.forget(client)
		cancel()
	})
}

func (r *relays) forget(client net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, client)
}

// pass carries one connection: the program steers gorun's own to who is online.
func pass(ctx context.Context, client net.Conn, to Address) {
	defer client.Close()
	worker, err := (&net.Dialer{}).DialContext(ctx, "tcp", to.local().String())
	if err != nil {
		return
	}
	defer worker.Close()
	stop := context.AfterFunc(ctx, func() { _, _ = client.Close(), worker.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { carry(worker, client) })
	both.Go(func() { carry(client, worker) })
	both.Wait()
}

// carry copies until the source ends, and passes the end on.
func carry(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok && err == nil {
		_ = half.CloseWrite() // closed already is as good
		return
	}
	_, _ = to.Close(), from.Close()
}

// close ends all that is passed on.
func (r *relays) close() {
	r.mu.Lock()
	r.done = true
	for _, cancel := range r.open {
		cancel()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// Relayed tells how many connections were passed on, by address.
func (g *Groups) Relayed() map[Address]uint64 {
	g.relays.mu.Lock()
	defer g.relays.mu.Unlock()
	return maps.Clone(g.relays.total)
}
