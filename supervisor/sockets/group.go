package sockets

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// Balance is how new connections are distributed over workers.
type Balance int

// The ways to balance.
const (
	Spread Balance = iota // at random
	Sticky                // by the client's address
	Shared                // one socket for all: the first to accept gets it
)

// String returns the value of the ecosystem file's key balance.
func (b Balance) String() string {
	return [...]string{"spread", "sticky", "shared"}[b]
}

// Owner is one run of a worker's process, for which members are acquired.
type Owner uint64

// Groups are all shared addresses of one app. Safe for concurrent use.
type Groups struct {
	balance Balance

	mu     sync.Mutex
	groups map[Address]*group
	online []Owner // in the order they came online
	closed bool
	watch  shutdownWatch

	relays relays
}

// group is one address. Its members keep their position while they listen: where one
// ends, the kernel moves the last into its position.
type group struct {
	groups  *Groups // whose lock guards it
	address Address
	members []*Member   // those that listen; the index is the kernel's, too
	waiting []*Member   // bound, not listening
	file    *socketFile // of a path
	table   steeringTable
}

// New returns the groups of an app. Close them when the app is stopped.
func New(balance Balance) *Groups {
	return &Groups{balance: balance, groups: map[Address]*group{}}
}

// Acquire returns the member for owner at address: the one it has, else a free
// one, else a fresh one. The error is the kernel's from socket(2) or bind(2).
// The kernel groups sockets by their user: call it with gorun's own fsuid.
func (g *Groups) Acquire(owner Owner, address Address) (*Member, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, fmt.Errorf("share %s: %w", address, unix.EADDRNOTAVAIL)
	}
	g.removeShutDown()
	of, found := g.groups[address]
	if !found {
		of = &group{groups: g, address: address}
	}
	if m := of.pick(owner); m != nil {
		of.file.restore()
		return m, nil
	}
	m, err := of.open(owner)
	if err != nil {
		return nil, fmt.Errorf("share %s: %w", address, err)
	}
	m.owners = []Owner{owner}
	g.groups[address] = of
	if address.Kind == UDP {
		m.addToGroup() // a datagram socket is in its group from bind(2) on
		err = of.attach()
	}
	return m, err
}

// pick finds a member that owner has or may have: the one with the longest accept
// queue.
func (of *group) pick(owner Owner) *Member {
	var free *Member
	longest := -1
	for _, m := range of.all() {
		if slices.Contains(m.owners, owner) {
			return m
		}
		if len(m.owners) > 0 && !of.isSingleSocket() {
			continue
		}
		if n := m.queue().Length; n > longest {
			free, longest = m, n
		}
	}
	if free != nil {
		free.owners = append(free.owners, owner)
	}
	return free
}

// open adds a socket to the group. Before the first it checks that no other process
// has the address.
func (of *group) open(owner Owner) (*Member, error) {
	of.closeUnownedOnSamePort()
	if len(of.all()) == 0 && of.address.Port != 0 && !of.isSingleSocket() {
		if err := of.checkAvailable(owner); err != nil {
			return nil, err
		}
	}
	fd, err := newSocket(of.address, of.groups.balance)
	if err != nil {
		return nil, err
	}
	if of.address.Kind == Unix {
		of.file = newSocketFile(of.address.Path)
	} else if of.address.Port == 0 {
		of.address.Port = portOf(fd) // never changes again: Member.Address reads it without the lock
	}
	m := &Member{group: of, fd: fd}
	of.waiting = append(of.waiting, m)
	return m, nil
}

// all returns the group's members, listening ones first.
func (of *group) all() []*Member { return slices.Concat(of.members, of.waiting) }

// isSingleSocket reports whether all workers get the one socket of the group: there is no
// reuseport group for paths.
func (of *group) isSingleSocket() bool {
	return of.groups.balance == Shared || of.address.Kind == Unix
}

// Online steers new connections to owner's members, too.
func (g *Groups) Online(owner Owner) error {
	return g.steer(func(online []Owner) []Owner { return with(online, owner) })
}

// Offline steers new connections to the other members. Those in the accept queue stay.
func (g *Groups) Offline(owner Owner) error {
	return g.steer(func(online []Owner) []Owner { return without(online, owner) })
}

// Replace steers from one owner to another in one step.
func (g *Groups) Replace(from, to Owner) error {
	return g.steer(func(online []Owner) []Owner { return with(without(online, from), to) })
}

func with(owners []Owner, one Owner) []Owner {
	return append(without(owners, one), one)
}

func without(owners []Owner, one Owner) []Owner {
	return slices.DeleteFunc(owners, func(o Owner) bool { return o == one })
}

func (g *Groups) steer(change func([]Owner) []Owner) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.online = change(g.online)
	g.removeShutDown()
	var errs []error
	for _, of := range g.groups {
		of.file.restore()
		errs = append(errs, of.attach())
	}
	for _, of := range g.groups {
		of.closeIfSuperseded()
	}
	return errors.Join(errs...)
}

// attach gives the kernel the program for the members that are online now. A group
// always has one, for the probe addresses: also before any member is online.
func (of *group) attach() error {
	if of.isSingleSocket() || len(of.members) == 0 {
		return nil
	}
	next := of.table.rebalance(of.members, of.live())
	table := next.live
	if hashes(of.groups.balance, of.address.Kind) {
		table = next.buckets
	}
	positions := of.positions(table)
	if slices.Equal(positions, of.table.attached) {
		return nil
	}
	if err := steerTo(of.members[0].fd, program(of.groups.balance, of.address.Kind, positions)); err != nil {
		return fmt.Errorf("%s: %w", of.address, err)
	}
	next.attached = positions
	of.table = next
	return nil
}

// live returns the members whose owners are online.
func (of *group) live() []*Member {
	var live []*Member
	for _, m := range of.members {
		if slices.ContainsFunc(m.owners, func(o Owner) bool { return slices.Contains(of.groups.online, o) }) {
			live = append(live, m)
		}
	}
	return live
}

func (of *group) positions(members []*Member) []int {
	at := make(map[*Member]int, len(of.members))
	for i, m := range of.members {
		at[m] = i
	}
	positions := make([]int, len(members))
	for i, m := range members {
		positions[i] = at[m]
	}
	return positions
}

// Release frees the members of a run that has ended, for the next one, and takes the
// owner offline.
func (g *Groups) Release(owner Owner) error {
	err := g.Offline(owner)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, of := range g.groups {
		for _, m := range of.all() {
			m.owners = without(m.owners, owner)
		}
	}
	for _, of := range g.groups {
		of.closeIfSuperseded()
	}
	return err
}

// Close shuts all members down, also for a process that a worker left behind: from
// then on the ports refuse connections. Call it when the workers have ended.
func (g *Groups) Close() {
	g.mu.Lock()
	g.closed = true
	for _, of := range g.groups {
		for _, m := range of.all() {
			m.close()
		}
		of.file.remove()
	}
	g.groups = map[Address]*group{}
	g.watch.close()
	g.mu.Unlock()
	g.relays.close()
}
