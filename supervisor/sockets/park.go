package sockets

import (
	"errors"
	"fmt"
)

// QueueConnections sends new connections to a socket that no worker has, as long as nobody
// is online: the last worker can finish, and they wait for the next. As many as
// queue wait there, less than 0 being the most that the kernel allows; the kernel
// does not answer those above, which ask again after 1, 3, 7 … seconds
// (tcp_conn_request in net/ipv4/tcp_input.c, tcp_syn_retries in tcp(7)). With 0
// it lets one in (sk_acceptq_is_full in include/net/sock.h). Datagrams, paths and
// a socket that all workers have go on as before.
func (g *Groups) QueueConnections(queue int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(g.online) > 0 {
		return nil
	}
	g.forgetShutDown()
	var errs []error
	for _, of := range g.groups {
		if of.address.Kind != TCP || g.shares(of) || len(of.members) == 0 {
			continue
		}
		if err := g.park(of, queue); err != nil {
			errs = append(errs, fmt.Errorf("park connections of %s: %w", of.address, err))
		}
	}
	return errors.Join(errs...)
}

func (g *Groups) park(of *group, queue int) error {
	spare, err := g.spare(of)
	if err != nil {
		return err
	}
	if err := spare.listen(queue); err != nil {
		return err
	}
	of.aim.live, of.aim.buckets, of.aim.lent = []*Member{spare}, nil, nil
	return g.attach(of)
}

// spare returns a member that no worker has.
func (g *Groups) spare(of *group) (*Member, error) {
	for _, m := range of.all() {
		if len(m.owners) == 0 {
			return m, nil
		}
	}
	return g.open(of)
}
