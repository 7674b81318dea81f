package sockets

import (
	"errors"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// foreignSocket is a socket of another program, with a port that the kernel chose.
type foreignSocket struct{ fd int }

func newForeign(t *testing.T, address Address, options ...int) (foreignSocket, Address) {
	t.Helper()
	kind := unix.SOCK_STREAM
	if address.Kind == UDP {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(address.family(), kind|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	for _, option := range options {
		must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1))
	}
	must(t, unix.Bind(fd, address.sockaddr()))
	address.Port = portOf(fd)
	return foreignSocket{fd}, address
}

func (s foreignSocket) listen(t *testing.T) {
	t.Helper()
	must(t, unix.Listen(s.fd, 1))
}

// A server of the same user that has set SO_REUSEPORT would let us in.
func TestPortOfAnotherServerIsRefused(t *testing.T) {
	for name, options := range map[string][]int{
		"plain":     nil,
		"reuseaddr": {unix.SO_REUSEADDR},
		"reuseport": {unix.SO_REUSEPORT},
		"both":      {unix.SO_REUSEADDR, unix.SO_REUSEPORT},
	} {
		for _, balance := range []Balance{Spread, Shared} {
			for _, pair := range [][2]string{
				{"127.0.0.1", "127.0.0.1"},
				{"127.0.0.1", "0.0.0.0"},
				{"0.0.0.0", "127.0.0.1"},
				{"0.0.0.0", "::"},
				{"::", "0.0.0.0"},
				{"::1", "::"},
			} {
				other, address := newForeign(t, at(pair[0]), options...)
				other.listen(t)
				address.IP = netip.MustParseAddr(pair[1])
				if _, err := newGroups(t, balance).Acquire(0, address); !errors.Is(err, unix.EADDRINUSE) {
					t.Errorf("%s at %s, we at %s: error %v, want EADDRINUSE", name, pair[0], pair[1], err)
				}
			}
		}
	}
}

func TestPortOfAnotherDatagramServerIsRefused(t *testing.T) {
	for _, options := range [][]int{nil, {unix.SO_REUSEADDR}, {unix.SO_REUSEPORT}, {unix.SO_REUSEADDR, unix.SO_REUSEPORT}} {
		_, address := newForeign(t, Address{Kind: UDP, IP: netip.MustParseAddr("127.0.0.1")}, options...)
		if _, err := newGroups(t, Spread).Acquire(0, address); !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("options %v: error %v, want EADDRINUSE", options, err)
		}
	}
}

// Two that are bound with SO_REUSEADDR are friends until one of them listens.
func TestWhoListensLaterIsRefused(t *testing.T) {
	other, address := newForeign(t, at("127.0.0.1"), unix.SO_REUSEADDR, unix.SO_REUSEPORT)
	m := take(t, newGroups(t, Spread), 0, address)
	other.listen(t)
	if err := m.Listen(1); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("error %v, want EADDRINUSE", err)
	}
}

func TestTwoAppsDoNotShareAPort(t *testing.T) {
	one, two := newGroups(t, Spread), newGroups(t, Spread)
	m := take(t, one, 0, at("127.0.0.1"))
	early := take(t, two, 0, m.Address())
	must(t, m.Listen(1))
	if err := early.Listen(1); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("Listen: error %v, want EADDRINUSE", err)
	}
	if _, err := newGroups(t, Spread).Acquire(0, m.Address()); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("Take: error %v, want EADDRINUSE", err)
	}
}

func TestIPv4AndDualStackOnOnePortAreRefusedAsAlone(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 2, at("::"))
	address := members[0].Address()
	address.IP = netip.MustParseAddr("0.0.0.0")
	if _, err := g.Acquire(0, address); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("error %v, want EADDRINUSE", err)
	}
}

func TestIPv4AndIPv6OnlyShareAPortNumber(t *testing.T) {
	g := newGroups(t, Spread)
	six, four := at("::"), at("0.0.0.0")
	six.V6Only = true
	six.Port = freeport.Take(t)
	four.Port = six.Port
	sixes := online(t, g, 2, six)
	fours := online(t, g, 2, four)
	for i := range 2 {
		serve(t, fours[i], 4)
		serve(t, sixes[i], 6)
	}
	if count := askMany(t, 40, four); count[4] != 40 {
		t.Errorf("over IPv4 %v", count)
	}
	if count := askMany(t, 40, sixes[0].Address()); count[6] != 40 {
		t.Errorf("over IPv6 %v", count)
	}
}

func TestPortIsFreeAgainAtOnce(t *testing.T) {
	g := New(Spread)
	address := at("127.0.0.1")
	address.Port = freeport.Take(t)
	members := online(t, g, 2, address)
	l := listener(t, members[0])
	must(t, g.Offline(1))
	conns := connect(t, 3, address)
	for range conns {
		c, err := l.Accept()
		must(t, err)
		_ = c.Close() // our side ends first: TIME_WAIT is ours
	}
	for _, c := range conns[1:] { // one is half open still
		_ = c.Close()
	}
	_ = l.Close()
	g.Close()
	next := newGroups(t, Spread)
	for owner := range Owner(2) {
		must(t, take(t, next, owner, address).Listen(1))
	}
}

func TestErrorsAreTheKernels(t *testing.T) {
	privileged, foreign, long := at("127.0.0.1"), at("192.0.2.77"), Address{Kind: Unix, Path: "/nowhere/x.sock"}
	privileged.Port, foreign.Port = 1, 1024
	for _, c := range []struct {
		address Address
		want    error
	}{
		{privileged, unix.EACCES},
		{foreign, unix.EADDRNOTAVAIL},
		{long, unix.ENOENT},
		{Address{Kind: Unix, Path: "/proc/self/x.sock"}, unix.ENOENT},
	} {
		if c.address == privileged && os.Geteuid() == 0 {
			continue // may do that; TestAllAsAnOrdinaryUser
		}
		if _, err := newGroups(t, Spread).Acquire(0, c.address); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.address, err, c.want)
		}
	}
}
