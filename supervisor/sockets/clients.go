package sockets

import (
	"time"
)

const (
	// firstMoment is what a client that has just connected gets to send its request.
	firstMoment = 100 * time.Millisecond
	// restMoment is how long nothing must have moved on a connection of which nobody
	// has seen whether the answer came last.
	restMoment = 10 * time.Millisecond
)

// Clients are the connections that some processes serve, as they move. For one
// goroutine.
type Clients struct {
	serving Serving
	inodes  map[uint64]bool
	refs    map[uint64]fdRef // by inode, as seen
	seen    map[uint64]seen
	dups    []dupFD
}

// seen is what was seen of a connection last.
type seen struct {
	in, out uint32
	side    Side
	since   time.Time
}

// Clients returns those of the processes. It returns nil where they serve nobody, or
// nobody can be seen.
func (s Serving) Clients() *Clients {
	c := &Clients{serving: s, inodes: map[uint64]bool{}, seen: map[uint64]seen{}}
	var err error
	if c.refs, err = fdRefs(s.Members(), s.User); err != nil {
		s.Failed(err)
		return nil
	}
	for inode := range c.refs {
		c.inodes[inode] = true
	}
	open, err := s.clients(c.inodes)
	if err != nil {
		s.Failed(err)
	}
	if len(open) == 0 {
		return nil
	}
	return c
}

// Idle reports whether every client is between two requests, as far as can be seen:
// none has sent anything that is not read, and the last answer is on its way. The
// kernel's clock has ticks of up to 10 ms; what moved between two calls says more.
func (c *Clients) Idle() bool {
	open, err := c.serving.clients(c.inodes)
	if err != nil {
		return false
	}
	now, all := time.Now(), true
	for _, one := range open {
		s := c.seen[one.Inode].next(one, now)
		c.seen[one.Inode] = s
		all = all && s.idle(one, now)
	}
	return all
}

// next is what is seen after a look at the connection.
func (s seen) next(c Connection, now time.Time) seen {
	in, out := c.In != s.in, c.Out != s.out
	switch {
	case s.since.IsZero(), in && out:
		s = seen{c.In, c.Out, c.Last, now}
	case in:
		s = seen{c.In, c.Out, Client, now}
	case out:
		s = seen{c.In, c.Out, Worker, now}
	case s.side == Either:
		s.side = c.Last
	}
	return s
}

// idle reports whether the client waits for no answer. Of a long answer that is
// computed while it is sent, the end is not seen.
func (s seen) idle(c Connection, now time.Time) bool {
	if c.Unread > 0 || c.NotSent > 0 {
		return false
	}
	switch s.side {
	case Neither:
		return c.Idle >= firstMoment
	case Worker:
		return true
	case Either: // a next request would have acknowledged the answer
		return c.Unsent > 0 || now.Sub(s.since) >= restMoment
	case Client:
	}
	return false
}
