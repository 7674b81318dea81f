package sockets

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

func at(ip string) Address { return Address{IP: netip.MustParseAddr(ip)} }

func newGroups(t *testing.T, balance Balance) *Groups {
	t.Helper()
	g := New(balance)
	t.Cleanup(g.Close)
	return g
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, g *Groups, owner Owner, address Address) *Member {
	t.Helper()
	m, err := g.Acquire(owner, address)
	must(t, err)
	return m
}

// listening returns the members of owners 0 … n-1, which listen but are not online.
func listening(t *testing.T, g *Groups, n int, address Address) []*Member {
	t.Helper()
	var members []*Member
	for owner := range Owner(n) {
		m := take(t, g, owner, address)
		must(t, m.Listen(4096))
		members = append(members, m)
	}
	return members
}

// online puts owners 0 … n-1 online too.
func online(t *testing.T, g *Groups, n int, address Address) []*Member {
	t.Helper()
	members := listening(t, g, n, address)
	for owner := range Owner(n) {
		must(t, g.Online(owner))
	}
	return members
}

// duplicate is what a worker has of a member.
func duplicate(t *testing.T, m *Member) *os.File {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(m.Descriptor()), unix.F_DUPFD_CLOEXEC, 0)
	must(t, err)
	file := os.NewFile(uintptr(fd), "member")
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func listener(t *testing.T, m *Member) net.Listener {
	t.Helper()
	file := duplicate(t, m)
	l, err := net.FileListener(file)
	must(t, err)
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// serve answers every connection with name, until the client has gone.
func serve(t *testing.T, m *Member, name byte) {
	t.Helper()
	l := listener(t, m)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(patience))
				_, _ = c.Write([]byte{name})
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
}

// serveAll has a worker 0 … n-1 on each member.
func serveAll(t *testing.T, members []*Member) {
	t.Helper()
	for i, m := range members {
		serve(t, m, byte(i))
	}
}

func dialer(from netip.Addr) *net.Dialer {
	d := &net.Dialer{Timeout: patience}
	if from.IsValid() {
		d.LocalAddr = &net.TCPAddr{IP: from.AsSlice()}
	}
	return d
}

// ask connects and returns the name of who answers.
func ask(d *net.Dialer, address Address) (byte, error) {
	c, err := d.DialContext(context.Background(), "tcp", address.local().String())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	return answer(c)
}

func answer(c net.Conn) (byte, error) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // leaves no TIME_WAIT behind: ports are few
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	var name [1]byte
	_, err := io.ReadFull(c, name[:])
	return name[0], err
}

// askMany returns how often each name answered n questions, of 8 at a time.
func askMany(t *testing.T, n int, address Address) map[byte]int {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	count := map[byte]int{}
	for range 8 {
		all.Go(func() {
			for range n / 8 {
				name, err := ask(dialer(netip.Addr{}), address)
				mu.Lock()
				count[name]++
				if err != nil {
					t.Errorf("connection: %v", err)
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return count
}

// connect leaves n connections with an address, wherever they are steered.
func connect(t *testing.T, n int, address Address) []net.Conn {
	t.Helper()
	var all []net.Conn
	for range n {
		c, err := dialer(netip.Addr{}).DialContext(t.Context(), "tcp", address.local().String())
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		all = append(all, c)
	}
	return all
}

// answered wants all connections answered by name.
func answered(t *testing.T, all []net.Conn, name byte) {
	t.Helper()
	for i, c := range all {
		if got, err := answer(c); err != nil || got != name {
			t.Fatalf("connection %d of %d: answered by %d, %v; want %d", i, len(all), got, err, name)
		}
		_ = c.Close()
	}
}

func tcp(t *testing.T, c net.Conn) *net.TCPConn {
	t.Helper()
	conn, ok := c.(*net.TCPConn)
	if !ok {
		t.Fatalf("a %T", c)
	}
	return conn
}

// waiting is the length of the queue of owner.
func waiting(t *testing.T, g *Groups, owner Owner) int {
	t.Helper()
	n := 0
	for _, q := range g.Queues() {
		for _, o := range q.Owners {
			if o == owner {
				n += q.Length
			}
		}
	}
	return n
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// descriptors counts this process's open files.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}
