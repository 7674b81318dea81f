package sockets

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// holdOrSkip skips where the kernel wants CAP_NET_ADMIN for it.
func holdOrSkip(t *testing.T, g *Groups) {
	t.Helper()
	err := g.Hold()
	if errors.Is(err, unix.EPERM) && !mayAdministrate(t) {
		t.Skip(err)
	}
	must(t, err)
}

func mayAdministrate(t *testing.T) bool {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	must(t, unix.Capget(&header, &data[0]))
	return data[0].Effective&(1<<unix.CAP_NET_ADMIN) != 0
}

func TestHoldThatIsRefusedChangesNothing(t *testing.T) {
	incapable(t, unix.CAP_NET_ADMIN, func() {
		g := newGroups(t, Spread)
		if err := g.Hold(); err == nil {
			return // an older kernel
		} else if !errors.Is(err, unix.EPERM) {
			t.Errorf("error %v, want EPERM", err)
		}
		m := online(t, g, 1, at("127.0.0.1"))[0]
		serve(t, m, 0)
		reach(t, m.Address())
	})
}

// held is a connection that is being made.
type held struct {
	fd   int
	done chan error
}

// knock connects, and returns once the first SYN is out: a non-blocking
// connect(2) on loopback has delivered it by then.
func knock(t *testing.T, address Address) held {
	t.Helper()
	h := held{-1, make(chan error, 1)}
	started := make(chan struct{})
	d := dialer(netip.Addr{})
	d.Control = func(_, _ string, c syscall.RawConn) error {
		defer close(started)
		return c.Control(func(fd uintptr) { h.fd, _ = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	}
	go func() {
		c, err := d.DialContext(context.Background(), "tcp", address.local().String())
		if err == nil {
			err = errors.Join(anyAnswer(c), c.Close())
		}
		h.done <- err
	}()
	<-started
	t.Cleanup(func() { unix.Close(h.fd) })
	eventually(t, "a SYN is out", func() bool { return h.state(t) != unix.BPF_TCP_CLOSE })
	return h
}

func anyAnswer(c net.Conn) error {
	_, err := answer(c)
	return err
}

func (h held) state(t *testing.T) uint8 {
	t.Helper()
	return h.info(t).State
}

func (h held) info(t *testing.T) *unix.TCPInfo {
	t.Helper()
	info, err := unix.GetsockoptTCPInfo(h.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	must(t, err)
	return info
}

func TestHeldClientsWaitAndAreServedAfterwards(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "::1", "::"} {
		for _, balance := range []Balance{Spread, Shared} {
			t.Run(ip+" "+balance.String(), func(t *testing.T) {
				t.Parallel()
				g := newGroups(t, balance)
				members := online(t, g, 2, at(ip))
				serveAll(t, members)
				holdOrSkip(t, g)
				h := knock(t, members[0].Address())
				if state := h.state(t); state != unix.BPF_TCP_SYN_SENT {
					t.Errorf("state %d, want SYN_SENT", state)
				}
				must(t, g.Resume())
				must(t, <-h.done)
				if n := h.info(t).Total_retrans; n == 0 {
					t.Error("it did not have to ask again")
				}
				reach(t, members[0].Address())
			})
		}
	}
}

func reach(t *testing.T, address Address) {
	t.Helper()
	_, err := ask(dialer(netip.Addr{}), address)
	must(t, err)
}

func TestHeldQueueIsServed(t *testing.T) {
	g := newGroups(t, Spread)
	m := online(t, g, 1, at("127.0.0.1"))[0]
	all := connect(t, 20, m.Address())
	eventually(t, "all wait", func() bool { return waiting(t, g, 0) == 20 })
	holdOrSkip(t, g)
	serve(t, m, 7)
	answered(t, all, 7)
}

func TestHeldConnectionsGoOn(t *testing.T) {
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	holdOrSkip(t, s.groups)
	for range 3 {
		say(t, s.client, s.worker)
		say(t, s.worker, s.client)
	}
	must(t, s.client.CloseWrite())
	if _, err := s.worker.Read(make([]byte, 1)); err == nil {
		t.Error("the client's end did not arrive")
	}
}

// With TCP_DEFER_ACCEPT the listener drops the bare ACK that ends a handshake:
// the client's data, and the kernel's second SYN-ACK, end it. So it is in
// between for as long as the test wants.
func TestHeldHandshakeEnds(t *testing.T) {
	g := newGroups(t, Spread)
	m := online(t, g, 1, at("127.0.0.1"))[0]
	must(t, unix.SetsockoptInt(m.Descriptor(), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 10))
	client := connect(t, 1, m.Address())[0]
	if n := waiting(t, g, 0); n != 0 {
		t.Fatalf("%d wait", n)
	}
	holdOrSkip(t, g)
	_, err := client.Write([]byte("x"))
	must(t, err)
	serve(t, m, 7)
	answered(t, []net.Conn{client}, 7)
}

func TestMemberOpenedWhileHeldIsHeld(t *testing.T) {
	g := newGroups(t, Spread)
	holdOrSkip(t, g)
	m := online(t, g, 1, at("127.0.0.1"))[0]
	serve(t, m, 0)
	h := knock(t, m.Address())
	if state := h.state(t); state != unix.BPF_TCP_SYN_SENT {
		t.Errorf("state %d, want SYN_SENT", state)
	}
	must(t, g.Resume())
	must(t, <-h.done)
}

func TestHeldGroupsCloseAsOthers(t *testing.T) {
	g := newGroups(t, Spread)
	address := online(t, g, 2, at("127.0.0.1"))[0].Address()
	holdOrSkip(t, g)
	g.Close()
	if _, err := ask(dialer(netip.Addr{}), address); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("error %v, want ECONNREFUSED", err)
	}
	holdOrSkip(t, g)
	must(t, g.Resume())
}

func TestHoldLeavesSteeringAndOtherKindsAlone(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 3, at("127.0.0.1"))
	serveAll(t, members)
	path := online(t, g, 1, Address{Kind: Unix, Path: "\x00" + t.Name()})[0]
	online(t, g, 1, Address{Kind: UDP, IP: netip.MustParseAddr("127.0.0.1")})
	holdOrSkip(t, g)
	holdOrSkip(t, g) // twice is as good
	must(t, g.Replace(1, 2))
	serve(t, path, 9)
	if name := askPath(t, path.Address()); name != 9 {
		t.Errorf("the path is answered by %d", name)
	}
	must(t, g.Resume())
	must(t, g.Resume())
	for owner := range Owner(3) {
		probeTwice(t, g, owner)
	}
	if count := askMany(t, 40, members[0].Address()); count[1] > 0 {
		t.Errorf("the one that was replaced answers: %v", count)
	}
}
