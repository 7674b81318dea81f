package sockets

import (
	"net/netip"
	"slices"
	"testing"
)

func TestConnectionsAreSharedOutEvenly(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "0.0.0.0", "::1", "::"} {
		t.Run(ip, func(t *testing.T) {
			g := newGroups(t, Spread)
			members := online(t, g, 3, at(ip))
			serveAll(t, members)
			count := askMany(t, fairRequests, members[0].Address())
			for name := range byte(3) {
				if fair := fairRequests / 3; count[name] < fair*3/4 || count[name] > fair*5/4 {
					t.Errorf("shares are %v, want %d ± 25 %% each", count, fair)
				}
			}
		})
	}
}

func TestProbeReachesExactlyItsOwner(t *testing.T) {
	for _, balance := range []Balance{Spread, Sticky} {
		for _, ip := range []string{"127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"} {
			g := newGroups(t, balance)
			members := listening(t, g, 5, at(ip)) // none is online: a probe comes before that
			serveAll(t, members)
			for owner := range Owner(5) {
				probeTwice(t, g, owner)
				must(t, g.Online(owner))
				probeTwice(t, g, owner)
			}
		}
	}
}

func probeTwice(t *testing.T, g *Groups, owner Owner) {
	t.Helper()
	targets := g.Probe(owner)
	if len(targets) != 1 {
		t.Fatalf("owner %d has the targets %v, want one", owner, targets)
	}
	for range 2 {
		if name, err := ask(dialer(targets[0].From), targets[0].Address); err != nil || Owner(name) != owner {
			t.Errorf("%v: %d answers, %v; want %d", targets[0], name, err, owner)
		}
	}
}

// The kernel's group grows beyond 128 members by copying (reuseport_grow).
func TestProbeReachesEachOf200Members(t *testing.T) {
	g := newGroups(t, Spread)
	members := listening(t, g, 200, at("127.0.0.1"))
	serveAll(t, members)
	for owner := range Owner(200) {
		probeTwice(t, g, owner)
	}
}

func TestWhereThereIsNoProbeAddress(t *testing.T) {
	shared := newGroups(t, Shared)
	online(t, shared, 1, at("127.0.0.1"))
	spread := newGroups(t, Spread)
	online(t, spread, 1, at("::1"))
	only := at("::")
	only.V6Only = true
	online(t, spread, 1, only)
	if targets := append(shared.Probe(0), spread.Probe(0)...); len(targets) > 0 {
		t.Errorf("targets %v, want none", targets)
	}
}

func TestSharedIsOneSocketForAll(t *testing.T) {
	g := newGroups(t, Shared)
	members := online(t, g, 3, at("127.0.0.1"))
	if members[0] != members[1] || members[1] != members[2] {
		t.Fatal("shared workers have several members")
	}
	serveAll(t, members)
	if count := askMany(t, 80, members[0].Address()); count[0]+count[1]+count[2] != 80 {
		t.Errorf("answers %v", count)
	}
	if owners := g.Queues()[0].Owners; len(owners) != 3 {
		t.Errorf("owners %v", owners)
	}
	must(t, g.Release(0))
	must(t, g.Release(2))
	if owners := g.Queues()[0].Owners; !slices.Equal(owners, []Owner{1}) {
		t.Errorf("owners %v after two have gone", owners)
	}
}

func TestStickyKeepsAClientAtItsWorker(t *testing.T) {
	g := newGroups(t, Sticky)
	members := online(t, g, 4, at("0.0.0.0"))
	serveAll(t, members)
	before := whoServes(t, members[0].Address())
	must(t, g.Offline(2))
	after := whoServes(t, members[0].Address())
	used := map[byte]int{}
	for client, name := range before {
		used[name]++
		if name != 2 && after[client] != name || after[client] == 2 {
			t.Errorf("%s moved from %d to %d when 2 left", client, name, after[client])
		}
	}
	if len(used) != 4 {
		t.Errorf("50 clients use only %v", used)
	}
}

// whoServes asks who answers 50 clients, and wants it to be the same each time.
func whoServes(t *testing.T, address Address) map[netip.Addr]byte {
	t.Helper()
	serves := map[netip.Addr]byte{}
	for i := range 50 {
		client := netip.AddrFrom4([4]byte{127, 0, 0, byte(10 + i)})
		for n := range 20 {
			name, err := ask(dialer(client), address)
			must(t, err)
			if n > 0 && serves[client] != name {
				t.Fatalf("%s is served by %d and %d", client, serves[client], name)
			}
			serves[client] = name
		}
	}
	return serves
}

func TestMultipathClientIsServed(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 2, at("127.0.0.1"))
	serveAll(t, members)
	d := dialer(netip.Addr{})
	d.SetMultipathTCP(true)
	for range 20 {
		if _, err := ask(d, members[0].Address()); err != nil {
			t.Fatal(err)
		}
	}
}
