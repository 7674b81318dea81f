package sockets

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

func TestOfflineMemberGetsNothingNewAndKeepsItsQueue(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 1, at("127.0.0.1"))
	address := members[0].Address()
	old := connect(t, 20, address)
	second := take(t, g, 1, at("127.0.0.1"))
	must(t, second.Listen(4096))
	must(t, g.Online(1))
	must(t, g.Offline(0))
	fresh := connect(t, 100, address)
	eventually(t, "all wait", func() bool { return waiting(t, g, 0)+waiting(t, g, 1) == 120 })
	serve(t, members[0], 0)
	serve(t, second, 1)
	answered(t, old, 0)
	answered(t, fresh, 1)
}

func TestStartingMemberGetsNothingWhileNobodyIsOnline(t *testing.T) {
	g := newGroups(t, Spread)
	members := listening(t, g, 3, at("127.0.0.1"))
	all := connect(t, 30, members[0].Address())
	serve(t, members[0], 0)
	answered(t, all, 0)
}

func TestConnectionsWaitWhereTheyDidWhileNobodyIsOnline(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 3, at("127.0.0.1"))
	must(t, g.Offline(0))
	must(t, g.Offline(2))
	must(t, g.Release(1))
	all := connect(t, 30, members[0].Address())
	serve(t, members[1], 1)
	answered(t, all, 1)
}

func TestReplaceIsAtomicUnderLoad(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 3, at("127.0.0.1"))
	must(t, g.Offline(2))
	serveAll(t, members)
	ctx, cancel := context.WithCancel(t.Context())
	var swaps sync.WaitGroup
	swaps.Go(func() {
		for i := Owner(0); ctx.Err() == nil; i++ {
			if err := g.Replace(i%3, (i+2)%3); err != nil {
				t.Error(err)
			}
		}
	})
	count := askMany(t, swapRequests, members[0].Address())
	cancel()
	swaps.Wait()
	if total := count[0] + count[1] + count[2]; total != swapRequests {
		t.Errorf("%d of %d answered: %v", total, swapRequests, count)
	}
}

func TestWhoIsReplacedGetsNothingFromThenOn(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 3, at("127.0.0.1"))
	must(t, g.Offline(2))
	serveAll(t, members)
	for range 20 {
		for _, step := range [][2]Owner{{0, 2}, {2, 0}} {
			must(t, g.Replace(step[0], step[1]))
			if count := askMany(t, 40, members[0].Address()); count[byte(step[0])] > 0 {
				t.Fatalf("after Replace(%d, %d) the shares are %v", step[0], step[1], count)
			}
		}
	}
}

func TestFreeMemberGoesToTheNextOwner(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 3, at("127.0.0.1"))
	must(t, g.Release(1))
	if m := take(t, g, 7, at("127.0.0.1")); m != members[1] {
		t.Errorf("the next owner has another member")
	}
	if m := take(t, g, 7, at("127.0.0.1")); m != members[1] {
		t.Errorf("asked again, the owner has another member")
	}
	if m := take(t, g, 8, at("127.0.0.1")); slices.Contains(members, m) {
		t.Errorf("a member has two owners")
	}
}

func TestNextOwnerGetsTheMemberWhereMostWait(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 3, at("127.0.0.1"))
	must(t, g.Offline(0))
	must(t, g.Offline(1))
	all := connect(t, 10, members[0].Address())
	eventually(t, "all wait", func() bool { return waiting(t, g, 2) == 10 })
	for owner := range Owner(3) {
		must(t, g.Release(owner))
	}
	m := take(t, g, 7, at("127.0.0.1"))
	serve(t, m, 7)
	answered(t, all, 7)
}

func TestPortRefusesBeforeTheFirstListens(t *testing.T) {
	g := newGroups(t, Spread)
	m := take(t, g, 0, at("127.0.0.1"))
	if _, err := ask(dialer(netip.Addr{}), m.Address()); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("error %v, want ECONNREFUSED", err)
	}
}

func TestPortZeroIsOnePortForEachKey(t *testing.T) {
	g := newGroups(t, Spread)
	a, b := at("127.0.0.1"), at("127.0.0.1")
	b.Key = "second"
	first, second, other := take(t, g, 1, a).Address(), take(t, g, 2, a).Address(), take(t, g, 1, b).Address()
	if first.Port == 0 || first != second || first.Port == other.Port {
		t.Errorf("ports %d, %d and with another key %d", first.Port, second.Port, other.Port)
	}
}

func TestListenAgainSetsTheBacklog(t *testing.T) {
	g := newGroups(t, Spread)
	members := listening(t, g, 3, at("127.0.0.1"))
	serveAll(t, members)
	must(t, members[1].Listen(7))
	limits := map[Owner]int{}
	for _, q := range g.Queues() {
		limits[q.Owners[0]] = q.Limit
	}
	if want := map[Owner]int{0: 4096, 1: 7, 2: 4096}; !maps.Equal(limits, want) {
		t.Errorf("limits %v, want %v", limits, want)
	}
	for owner := range Owner(3) {
		probeTwice(t, g, owner) // and everybody keeps its position
	}
}

func TestListenWithoutBacklogAllowsTheMost(t *testing.T) {
	g := newGroups(t, Spread)
	m := take(t, g, 0, at("127.0.0.1"))
	must(t, m.Listen(0))
	if limit := g.Queues()[0].Limit; limit < 128 {
		t.Errorf("limit %d", limit)
	}
}

func TestQueuesTellWhatWaits(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 2, at("127.0.0.1"))
	must(t, g.Offline(0))
	connect(t, 12, members[0].Address())
	eventually(t, "twelve wait", func() bool { return waiting(t, g, 1) == 12 })
	if n := waiting(t, g, 0); n != 0 {
		t.Errorf("%d wait at who is offline", n)
	}
	l := listener(t, members[1])
	for range 5 {
		c, err := l.Accept()
		must(t, err)
		defer c.Close()
	}
	if n := waiting(t, g, 1); n != 7 {
		t.Errorf("%d wait when 5 of 12 are accepted", n)
	}
	if all := g.Addresses(); !slices.Equal(all, []Address{members[0].Address()}) {
		t.Errorf("addresses %v", all)
	}
}

func TestCloseMakesThePortRefuse(t *testing.T) {
	for _, balance := range []Balance{Spread, Shared} {
		g := newGroups(t, balance)
		address := at("127.0.0.1")
		address.Port = freeport.Take(t)
		members := online(t, g, 2, address)
		for _, m := range members {
			duplicate(t, m) // as a process that was left behind has it
		}
		g.Close()
		if _, err := ask(dialer(netip.Addr{}), address); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("error %v, want ECONNREFUSED", err)
		}
		if err := members[0].Listen(1); !errors.Is(err, unix.EBADF) && !errors.Is(err, unix.EADDRNOTAVAIL) {
			t.Errorf("Listen after Close: %v", err)
		}
		if _, err := g.Acquire(1, at("127.0.0.1")); err == nil {
			t.Error("Take after Close has no error")
		}
		g.Close() // twice is as good
	}
}

func TestNothingIsLeftOpen(t *testing.T) {
	before := descriptors(t)
	for range 20 {
		g := New(Spread)
		online(t, g, 4, at("127.0.0.1"))
		online(t, g, 4, Address{Kind: UDP, IP: netip.MustParseAddr("::1")})
		online(t, g, 4, Address{Kind: Unix, Path: "\x00" + t.Name()})
		g.Close()
	}
	if after := descriptors(t); after > before+4 { // the runtime's own
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
