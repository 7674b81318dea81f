package sockets

import "golang.org/x/sys/unix"

// shutdownWatch notices listeners that a process has shut down: epoll reports
// EPOLLHUP, in the order of the shutdowns, which is the order in which the kernel has
// moved the members of its group.
type shutdownWatch struct {
	epoll   int
	members map[int32]*Member // by descriptor; nil before the first
}

func (w *shutdownWatch) add(m *Member) error {
	if w.members == nil {
		epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			return err
		}
		w.epoll, w.members = epoll, map[int32]*Member{}
	}
	w.members[int32(m.fd)] = m
	hangUp := unix.EpollEvent{Fd: int32(m.fd)} // EPOLLHUP is always reported: epoll_ctl(2)
	return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, m.fd, &hangUp)
}

func (w *shutdownWatch) remove(m *Member) {
	delete(w.members, int32(m.fd))
	_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, m.fd, nil) // it was added
}

// shutDown returns the members that are shut down, in that order.
func (w *shutdownWatch) shutDown() []*Member {
	if len(w.members) == 0 {
		return nil
	}
	events := make([]unix.EpollEvent, len(w.members))
	n, err := unix.EpollWait(w.epoll, events, 0)
	if err != nil {
		return nil // EINTR: the next call finds them
	}
	var down []*Member
	for _, e := range events[:n] {
		if m := w.members[e.Fd]; m != nil && e.Events&unix.EPOLLHUP != 0 {
			down = append(down, m)
		}
	}
	return down
}

func (w *shutdownWatch) close() {
	if w.members != nil {
		unix.Close(w.epoll)
		w.members = nil
	}
}
