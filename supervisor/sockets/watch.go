package sockets

import "golang.org/x/sys/unix"

// watch notices listeners that somebody has shut down: poll(2) calls that a
// hang-up. epoll tells them in the order in which it happened, and so in which
// the kernel has closed the holes in its group.
type watch struct {
	epoll   int
	members map[int32]*Member // by descriptor; nil before the first
}

func (w *watch) add(m *Member) error {
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

func (w *watch) remove(m *Member) {
	delete(w.members, int32(m.fd))
	_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, m.fd, nil) // it was added
}

// ended returns the members that are shut down, in that order.
func (w *watch) ended() []*Member {
	if len(w.members) == 0 {
		return nil
	}
	events := make([]unix.EpollEvent, len(w.members))
	n, err := unix.EpollWait(w.epoll, events, 0)
	if err != nil {
		return nil // EINTR: the next one finds them
	}
	var ended []*Member
	for _, e := range events[:n] {
		if m := w.members[e.Fd]; m != nil && e.Events&unix.EPOLLHUP != 0 {
			ended = append(ended, m)
		}
	}
	return ended
}

func (w *watch) close() {
	if w.members != nil {
		unix.Close(w.epoll)
		w.members = nil
	}
}
