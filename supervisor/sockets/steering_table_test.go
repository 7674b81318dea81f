package sockets

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

func TestOnlyTheBucketsOfTheMemberThatLeftMove(t *testing.T) {
	for name, live := range lives(t) {
		before := distributeFresh(nil, live)
		gone := live[rand.IntN(len(live))]
		rest := slices.DeleteFunc(slices.Clone(live), func(p int) bool { return p == gone })
		if len(rest) == 0 {
			continue
		}
		after := distributeFresh(before, rest)
		for bucket, position := range before {
			if position != gone && after[bucket] != position {
				t.Fatalf("%s without %d: bucket %d moved from %d to %d", name, gone, bucket, position, after[bucket])
			}
		}
		checkFair(t, name, after, rest)
	}
}

func TestANewMemberTakesOnlyItsShare(t *testing.T) {
	for n := 1; n < 256; n += min(n, liveStep) {
		live := make([]int, n)
		for i := range live {
			live[i] = i
		}
		before := distributeFresh(nil, live)
		more := append(live, n)
		after := distributeFresh(before, more)
		for bucket, position := range before {
			if after[bucket] != position && after[bucket] != n {
				t.Fatalf("%d: bucket %d moved from %d to %d", n, bucket, position, after[bucket])
			}
		}
		checkFair(t, fmt.Sprint(n), after, more)
	}
}

func TestAReplacementTakesOverTheClients(t *testing.T) {
	before := distributeFresh(nil, []int{0, 1, 2})
	after := distributeFresh(before, []int{0, 2, 3})
	strays := 0
	for bucket, position := range before {
		switch {
		case position != 1 && after[bucket] != position:
			t.Errorf("bucket %d moved from %d to %d", bucket, position, after[bucket])
		case position == 1 && after[bucket] != 3:
			strays++
		}
	}
	if strays > 1 { // 256 is not divisible by three
		t.Errorf("%d buckets of the one replaced went elsewhere", strays)
	}
}

// distributeFresh is distribute without borrowed buckets.
func distributeFresh[T comparable](table, live []T) []T {
	next, _ := distribute(table, nil, live)
	return next
}

func checkFair(t *testing.T, name string, table, live []int) {
	t.Helper()
	count := map[int]int{}
	for _, position := range table {
		count[position]++
	}
	for _, position := range live {
		if fair := buckets / len(live); count[position] < fair || count[position] > fair+1 {
			t.Errorf("%s: %d has %d buckets, want %d or one more", name, position, count[position], fair)
		}
	}
}

func BenchmarkSteeringSwap64(b *testing.B) {
	for _, balance := range []struct {
		name string
		Balance
	}{{"spread", Spread}, {"sticky", Sticky}} {
		b.Run(balance.name, func(b *testing.B) {
			g := New(balance.Balance)
			defer g.Close()
			address := Address{IP: netip.MustParseAddr("127.0.0.1")}
			for owner := range Owner(65) {
				m, err := g.Acquire(owner, address)
				if err != nil {
					b.Fatal(err)
				}
				if err := m.Listen(1); err != nil {
					b.Fatal(err)
				}
				if err := g.Online(owner); err != nil {
					b.Fatal(err)
				}
			}
			if err := g.Offline(64); err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				if err := g.Replace(Owner(i%65), Owner((i+64)%65)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAMemberThatComesBackTakesNoOtherClients(t *testing.T) {
	for n := 2; n < 256; n += min(n, liveStep) {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		gone := rand.IntN(n)
		rest := slices.DeleteFunc(slices.Clone(all), func(p int) bool { return p == gone })
		before, borrowed := distribute(nil, nil, all)
		during, borrowed := distribute(before, borrowed, rest)
		after, _ := distribute(during, borrowed, all)
		for bucket, position := range before {
			if position != gone && after[bucket] != position {
				t.Fatalf("%d: bucket %d moved from %d to %d", n, bucket, position, after[bucket])
			}
		}
		checkFair(t, fmt.Sprint(n), after, all)
	}
}
