package sockets

import "slices"

// buckets is the number of buckets for the clients of a hashed group. Their program
// must fit net.core.optmem_max, 20480 bytes on older kernels
// (sk_reuseport_attach_filter in net/core/filter.c).
const buckets = 256

// steeringTable is where a group's new connections go.
type steeringTable struct {
	live     []*Member
	buckets  []*Member // where connections are hashed: the member of each bucket
	borrowed []bool    // buckets whose member went offline without a replacement
	attached []int     // the positions in the kernel's program; nil: not known
}

// rebalance returns the next table. While no member is online the live ones stay, and
// connections wait in their queues; before any was online it is the first member.
func (t steeringTable) rebalance(members, online []*Member) steeringTable {
	next := steeringTable{live: online, attached: t.attached}
	if len(next.live) == 0 {
		for _, m := range members {
			if slices.Contains(t.live, m) {
				next.live = append(next.live, m)
			}
		}
	}
	if len(next.live) == 0 {
		next.live = members[:1:1]
	}
	next.buckets, next.borrowed = distribute(t.buckets, t.borrowed, next.live)
	return next
}

// distribute gives each live member the same number of buckets, give or take one. It
// moves only the buckets whose member is not live any more, and those that a new
// member needs: borrowed ones first, so that a member that comes back gets its own
// clients again, and a replacement those of its predecessor.
func distribute[T comparable](table []T, borrowed []bool, live []T) ([]T, []bool) {
	next, nextBorrowed := make([]T, buckets), make([]bool, buckets)
	copy(next, table)
	copy(nextBorrowed, borrowed)
	load, old := make(map[T]int, len(live)), make(map[T]bool, len(live))
	for _, one := range live {
		load[one] = 0
	}
	var free []int
	for i, one := range next {
		if _, lives := load[one]; lives && i < len(table) {
			load[one]++
			old[one] = true
		} else {
			free = append(free, i)
		}
	}
	for _, i := range free {
		next[i] = leastLoaded(live, load)
		load[next[i]]++
		nextBorrowed[i] = old[next[i]]
	}
	move := func(i int, to T) {
		load[next[i]]--
		load[to]++
		next[i], nextBorrowed[i] = to, nextBorrowed[i] && old[to]
	}
	for i, isBorrowed := range nextBorrowed {
		if least := leastLoaded(live, load); isBorrowed && load[next[i]] > load[least] {
			move(i, least)
		}
	}
	for {
		least, most := leastLoaded(live, load), mostLoaded(live, load)
		if load[most]-load[least] <= 1 {
			return next, nextBorrowed
		}
		move(slices.Index(next, most), least)
	}
}

func leastLoaded[T comparable](live []T, load map[T]int) T {
	return slices.MinFunc(live, func(a, b T) int { return load[a] - load[b] })
}

func mostLoaded[T comparable](live []T, load map[T]int) T {
	return slices.MaxFunc(live, func(a, b T) int { return load[a] - load[b] })
}
