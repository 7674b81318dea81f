package sockets

import "slices"

// buckets is how many parts the clients of a hashed group fall into. Their
// program must fit net.core.optmem_max, 20480 bytes on older kernels
// (sk_reuseport_attach_filter in net/core/filter.c).
const buckets = 256

// aim is where a group's new connections go.
type aim struct {
	live     []*Member
	buckets  []*Member // where connections are hashed: who has which part of the clients
	lent     []bool    // the buckets whose owner left with nobody to take its place
	attached []int     // the positions in the kernel's program; nil: not known
}

// towards is the next aim. While nobody is online it stays as it was, and
// connections wait in the queues; before anybody was, it is the first of them.
func (a aim) towards(members, online []*Member) aim {
	next := aim{live: online, attached: a.attached}
	if len(next.live) == 0 {
		for _, m := range members {
			if slices.Contains(a.live, m) {
				next.live = append(next.live, m)
			}
		}
	}
	if len(next.live) == 0 {
		next.live = members[:1:1]
	}
	next.buckets, next.lent = shareOutAgain(a.buckets, a.lent, next.live)
	return next
}

// shareOut gives each live one the same number of buckets, give or take one.
func shareOut[T comparable](table, live []T) []T {
	next, _ := shareOutAgain(table, nil, live)
	return next
}

// shareOutAgain moves only the buckets whose owner left, and those that a
// newcomer must have: first those that are lent, so that one who comes back
// takes nobody else's clients, and a replacement its predecessor's.
func shareOutAgain[T comparable](table []T, lent []bool, live []T) ([]T, []bool) {
	next, loans := make([]T, buckets), make([]bool, buckets)
	copy(next, table)
	copy(loans, lent)
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
		next[i] = least(live, load)
		load[next[i]]++
		loans[i] = old[next[i]]
	}
	move := func(i int, to T) {
		load[next[i]]--
		load[to]++
		next[i], loans[i] = to, loans[i] && old[to]
	}
	for i, isLent := range loans {
		if poor := least(live, load); isLent && load[next[i]] > load[poor] {
			move(i, poor)
		}
	}
	for {
		poor, rich := least(live, load), most(live, load)
		if load[rich]-load[poor] <= 1 {
			return next, loans
		}
		move(slices.Index(next, rich), poor)
	}
}

func least[T comparable](live []T, load map[T]int) T {
	return slices.MinFunc(live, func(a, b T) int { return load[a] - load[b] })
}

func most[T comparable](live []T, load map[T]int) T {
	return slices.MaxFunc(live, func(a, b T) int { return load[a] - load[b] })
}
