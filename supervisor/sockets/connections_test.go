package sockets

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

func TestDone(t *testing.T) {
	const idle = time.Second
	for _, test := range []struct {
		name string
		c    Connection
		want bool
	}{
		{"answered long ago", Connection{Idle: idle, Last: Worker}, true},
		{"answered just now", Connection{Idle: idle - 1, Last: Worker}, false},
		{"never used", Connection{Idle: idle}, true},
		{"just made", Connection{Idle: idle - 1}, false},
		{"asked long ago", Connection{Idle: time.Hour, Last: Client}, false},
		{"answered or asked again", Connection{Idle: idle, Last: Either}, false},
		{"answered or asked again, long ago", Connection{Idle: eitherFactor * idle, Last: Either}, true},
		{"unread", Connection{Idle: time.Hour, Last: Worker, Unread: 1}, false},
		{"unsent", Connection{Idle: time.Hour, Last: Worker, Unsent: 1}, false},
	} {
		if got := test.c.Done(idle); got != test.want {
			t.Errorf("%s: Done = %t", test.name, got)
		}
	}
}

func TestLast(t *testing.T) {
	const up, half, shut = unix.BPF_TCP_ESTABLISHED, unix.BPF_TCP_CLOSE_WAIT, unix.BPF_TCP_FIN_WAIT2
	type figures struct{ in, out, received, sent, acked uint32 }
	for _, test := range []struct {
		name  string
		state uint8
		figures
		want Side
	}{
		{"fresh", up, figures{received: 8, sent: 8, acked: 8}, Neither},
		{"greeted", up, figures{out: 1, received: 8, sent: 4, acked: 4}, Neither},
		{"first request in the tick of the handshake", up, figures{in: 1, received: 8, sent: 8, acked: 8}, Client},
		{"asked again", up, figures{in: 2, out: 1, received: 4, sent: 8, acked: 4}, Client},
		{"answered", up, figures{in: 1, out: 1, received: 8, sent: 4, acked: 4}, Worker},
		{"both in one tick", up, figures{in: 1, out: 1, received: 8, sent: 8, acked: 8}, Either},
		{"both in one tick, acknowledged later", up, figures{in: 1, out: 1, received: 8, sent: 8, acked: 4}, Worker},
		{"both in one tick, half closed later", half, figures{in: 1, out: 1, received: 8, sent: 8, acked: 4}, Either},
		{"half closed, asked", half, figures{in: 1, received: 8, sent: 8, acked: 4}, Client},
		{"half closed by the worker", shut, figures{in: 2, out: 1, received: 4, sent: 8, acked: 4}, Worker},
	} {
		info := unix.TCPInfo{
			Data_segs_in: test.in, Data_segs_out: test.out,
			Last_data_recv: test.received, Last_data_sent: test.sent, Last_ack_recv: test.acked,
		}
		if got := last(test.state, &info); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// servedClient is a connection, with both its ends in this process.
type servedClient struct {
	groups         *Groups
	client, worker *net.TCPConn
	open           map[uint64]bool
}

func newServed(t *testing.T, address Address, server string) servedClient {
	t.Helper()
	g := newGroups(t, Spread)
	m := online(t, g, 1, address)[0]
	return serveOne(t, g, m, server)
}

func serveOne(t *testing.T, g *Groups, m *Member, server string) servedClient {
	t.Helper()
	l := listener(t, m)
	to := netip.AddrPortFrom(netip.MustParseAddr(server), uint16(m.Address().Port))
	client, err := dialer(netip.Addr{}).DialContext(t.Context(), "tcp", to.String())
	must(t, err)
	worker, err := l.Accept()
	must(t, err)
	s := servedClient{g, tcp(t, client), tcp(t, worker), inodes(t, tcp(t, client), tcp(t, worker))}
	t.Cleanup(func() { _, _ = client.Close(), worker.Close() })
	return s
}

// say moves data, until it is read.
func say(t *testing.T, from, to net.Conn) {
	t.Helper()
	_, err := from.Write([]byte("x"))
	must(t, err)
	must(t, to.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.ReadFull(to, make([]byte, 1))
	must(t, err)
}

func inode(t *testing.T, c syscall.Conn) uint64 {
	t.Helper()
	raw, err := c.SyscallConn()
	must(t, err)
	var stat unix.Stat_t
	must(t, raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &stat) }))
	must(t, err)
	return stat.Ino
}

func inodes(t *testing.T, all ...*net.TCPConn) map[uint64]bool {
	t.Helper()
	set := map[uint64]bool{}
	for _, c := range all {
		set[inode(t, c)] = true
	}
	return set
}

func (s servedClient) connections(t *testing.T) []Connection {
	t.Helper()
	all, err := s.groups.Connections(s.open)
	must(t, err)
	return all
}

// only returns the one connection.
func (s servedClient) only(t *testing.T) Connection {
	t.Helper()
	all := s.connections(t)
	if len(all) != 1 {
		t.Fatalf("connections %+v, want one", all)
	}
	return all[0]
}

// rests waits until the connection has been idle for some ticks.
func (s servedClient) rests(t *testing.T) Connection {
	t.Helper()
	eventually(t, "nothing moves", func() bool { return s.only(t).Idle >= 60*time.Millisecond })
	return s.only(t)
}

const short = 20 * time.Millisecond

func TestConnectionOfEachFamily(t *testing.T) {
	for _, test := range [][2]string{
		{"127.0.0.1", "127.0.0.1"}, {"0.0.0.0", "127.0.0.1"}, {"::1", "::1"}, {"::", "::1"}, {"::", "127.0.0.1"},
	} {
		s := newServed(t, at(test[0]), test[1])
		c := s.rests(t)
		local, remote := portAddress(t, s.worker.LocalAddr()), portAddress(t, s.client.LocalAddr())
		want := Connection{Inode: inode(t, s.worker), Local: local, Remote: remote, Idle: c.Idle}
		if c != want || !c.Done(short) {
			t.Errorf("%s by %s: %+v, want %+v", test[0], test[1], c, want)
		}
	}
}

func portAddress(t *testing.T, a net.Addr) netip.AddrPort {
	t.Helper()
	p, err := netip.ParseAddrPort(a.String())
	must(t, err)
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

func TestFirstRequestIsNotDoneWhileItIsAnswered(t *testing.T) {
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	say(t, s.client, s.worker)
	if c := s.rests(t); c.Last != Client || c.Done(short) {
		t.Errorf("%+v, done: %t", c, c.Done(short))
	}
	say(t, s.worker, s.client)
	if c := s.rests(t); c.Last != Worker || !c.Done(short) {
		t.Errorf("when it is answered: %+v, done: %t", c, c.Done(short))
	}
}

func TestLaterRequestIsNotDoneWhileItIsAnswered(t *testing.T) {
	s := newServed(t, at("::1"), "::1")
	say(t, s.client, s.worker)
	say(t, s.worker, s.client)
	s.rests(t)
	say(t, s.client, s.worker)
	if c := s.rests(t); c.Last != Client || c.Done(short) {
		t.Errorf("%+v, done: %t", c, c.Done(short))
	}
}

// The next request may come in the tick of the last answer: never surely answered.
func TestRequestRightBehindAnAnswerIsInDoubtAtLeast(t *testing.T) {
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	for range 20 {
		say(t, s.client, s.worker)
		say(t, s.worker, s.client)
		say(t, s.client, s.worker)
		if c := s.rests(t); c.Last != Client && c.Last != Either || c.Done(c.Idle) {
			t.Fatalf("%+v", c)
		}
		say(t, s.worker, s.client)
	}
}

func TestFastAnswersAreDoneInTheEnd(t *testing.T) {
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	for range 20 {
		say(t, s.client, s.worker)
		say(t, s.worker, s.client)
	}
	eventually(t, "it is done", func() bool { return s.only(t).Done(short) })
}

func TestUnreadRequestIsNotDone(t *testing.T) {
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	_, err := s.client.Write([]byte("hello"))
	must(t, err)
	if c := s.rests(t); c.Unread != 5 || c.Done(short) {
		t.Errorf("%+v, done: %t", c, c.Done(short))
	}
}

func TestUnsentAnswerIsNotDone(t *testing.T) {
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	say(t, s.client, s.worker)
	var writing sync.WaitGroup
	writing.Go(func() { _, _ = s.worker.Write(make([]byte, 64<<20)) }) // more than the buffers hold
	t.Cleanup(func() { _ = s.worker.Close(); writing.Wait() })
	eventually(t, "the answer is on its way", func() bool { return s.only(t).Unsent > 0 })
	if c := s.rests(t); c.Unsent == 0 || c.Done(0) {
		t.Errorf("%+v, done: %t", c, c.Done(0))
	}
}

func TestClosedConnectionIsNoMore(t *testing.T) {
	for _, first := range []string{"worker", "client"} {
		s := newServed(t, at("127.0.0.1"), "127.0.0.1")
		if first == "client" {
			must(t, s.client.Close())
		}
		must(t, s.worker.Close())
		if all := s.connections(t); len(all) > 0 {
			t.Errorf("%s closed: %+v", first, all)
		}
	}
}

func TestHalfClosedByTheClientIsAnswered(t *testing.T) {
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	say(t, s.client, s.worker)
	must(t, s.client.CloseWrite())
	if c := s.rests(t); c.Last != Client || c.Unread != 0 || c.Done(short) {
		t.Errorf("%+v, done: %t", c, c.Done(short))
	}
}

// An app may forget about connections that the client has closed.
func TestUnreadEndIsNothingUnread(t *testing.T) {
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	must(t, s.client.Close())
	if c := s.rests(t); !c.Done(short) {
		t.Errorf("%+v is not done", c)
	}
}

func TestHalfClosedByTheWorkerIsDoneWhenIdle(t *testing.T) {
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	say(t, s.worker, s.client)
	must(t, s.worker.CloseWrite())
	say(t, s.client, s.worker)
	if c := s.rests(t); c.Last != Worker || !c.Done(short) {
		t.Errorf("%+v, done: %t", c, c.Done(short))
	}
}

func TestConnectionsOfTwoWorkers(t *testing.T) {
	g := newGroups(t, Shared)
	m := online(t, g, 1, at("127.0.0.1"))[0]
	a, b := serveOne(t, g, m, "127.0.0.1"), serveOne(t, g, m, "127.0.0.1")
	for _, s := range []servedClient{a, b} {
		if c := s.only(t); c.Remote != portAddress(t, s.client.LocalAddr()) {
			t.Errorf("%+v is another worker's", c)
		}
	}
	both, err := g.Connections(inodes(t, a.worker, b.worker))
	if must(t, err); len(both) != 2 {
		t.Errorf("of both: %+v", both)
	}
}

func TestQueuedConnectionIsNobodys(t *testing.T) {
	g := newGroups(t, Spread)
	m := online(t, g, 1, at("127.0.0.1"))[0]
	connect(t, 3, m.Address())
	eventually(t, "three wait", func() bool { return waiting(t, g, 0) == 3 })
	all, err := g.Connections(map[uint64]bool{0: true})
	if must(t, err); len(all) > 0 {
		t.Errorf("connections %+v", all)
	}
}

// The worker listens on the same port of another address, for itself.
func TestForeignConnectionAtThePortIsNotCounted(t *testing.T) {
	g := newGroups(t, Spread)
	address, other := at("127.0.0.1"), at("127.0.0.2")
	address.Port = freeport.Take(t)
	other.Port = address.Port
	online(t, g, 1, address)
	own := newGroups(t, Spread)
	s := serveOne(t, own, online(t, own, 1, other)[0], "127.0.0.2")
	s.only(t)
	s.groups = g
	if all := s.connections(t); len(all) > 0 {
		t.Errorf("connections %+v", all)
	}
}

func TestSeveralAddressesAndKinds(t *testing.T) {
	g := newGroups(t, Spread)
	online(t, g, 1, Address{Kind: UDP, IP: netip.MustParseAddr("127.0.0.1")})
	online(t, g, 1, Address{Kind: Unix, Path: "\x00" + t.Name()})
	six, four := online(t, g, 1, at("::1"))[0], online(t, g, 1, at("127.0.0.1"))[0]
	a, b := serveOne(t, g, six, "::1"), serveOne(t, g, four, "127.0.0.1")
	all, err := g.Connections(inodes(t, a.worker, b.worker))
	must(t, err)
	got := []uint64{}
	for _, c := range all {
		got = append(got, c.Inode)
	}
	want := []uint64{inode(t, a.worker), inode(t, b.worker)}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("inodes %v, want %v", got, want)
	}
	g.Close()
	if all, err := g.Connections(inodes(t, a.worker)); err != nil || len(all) > 0 {
		t.Errorf("after Close: %+v, %v", all, err)
	}
}
