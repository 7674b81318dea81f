package sockets

import (
	"errors"
	"fmt"
)

// QueueConnections steers new connections to a socket that no worker has, as long as
// no owner is online: the last worker can finish, and they wait for the next one. At
// most limit wait there, less than 0 being the most that the kernel allows; the
// kernel drops the SYN of those above, which the client sends again after 1, 3, 7 …
// seconds (tcp_conn_request in net/ipv4/tcp_input.c, tcp_syn_retries in tcp(7)). With
// 0 the kernel lets one in (sk_acceptq_is_full in include/net/sock.h). It has no
// effect on datagrams, on paths and on a socket that all workers share.
func (g *Groups) QueueConnections(limit int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(g.online) > 0 {
		return nil
	}
	g.removeShutDown()
	var errs []error
	for _, of := range g.groups {
		if of.address.Kind != TCP || of.isSingleSocket() || len(of.members) == 0 {
			continue
		}
		if err := of.queueConnections(limit); err != nil {
			errs = append(errs, fmt.Errorf("queue connections of %s: %w", of.address, err))
		}
	}
	return errors.Join(errs...)
}

func (of *group) queueConnections(limit int) error {
	spare, err := of.spareMember()
	if err != nil {
		return err
	}
	if err := spare.listen(limit); err != nil {
		return err
	}
	of.table.live, of.table.buckets, of.table.borrowed = []*Member{spare}, nil, nil
	return of.attach()
}

// spareMember returns a member that no worker has.
func (of *group) spareMember() (*Member, error) {
	for _, m := range of.all() {
		if len(m.owners) == 0 {
			return m, nil
		}
	}
	return of.open(0)
}
