package logs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// gate waits for a pipe to have something. Go's poller never looks away: every
// write of a child would wake a thread. The gate is an epoll instance between
// the pipe and Go's, and lets news through only while somebody waits for it.
type gate struct {
	pipe  int             // the read end, non-blocking
	file  *os.File        // the epoll instance, for Go's poller
	conn  syscall.RawConn // file's
	armed uint32          // events
}

// newGate takes over pipe if it succeeds.
func newGate(pipe int) (*gate, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	err = errors.Join(unix.SetNonblock(pipe, true), unix.SetNonblock(fd, true), control(fd, unix.EPOLL_CTL_ADD, pipe, 0))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch a pipe: %w", err), unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), "epoll")
	conn, err := file.SyscallConn()
	g := &gate{pipe: pipe, file: file, conn: conn}
	if err := errors.Join(err, g.awake()); err != nil { // a file outside Go's poller has no deadline
		return nil, errors.Join(fmt.Errorf("watch an epoll instance: %w", err), file.Close())
	}
	return g, nil
}

// pass waits until read returns anything but EAGAIN, and returns that. It
// returns os.ErrDeadlineExceeded after wake.
func (g *gate) pass(read func() error) error {
	var result error
	err := g.conn.Read(func(fd uintptr) bool {
		g.arm(fd, 0)
		if result = read(); !errors.Is(result, unix.EAGAIN) {
			return true
		}
		// Only what comes after arming is sure to end the wait: so look again.
		g.arm(fd, unix.EPOLLIN)
		result = read()
		return !errors.Is(result, unix.EAGAIN)
	})
	if err != nil {
		return err
	}
	return result
}

// read does not wait.
func (g *gate) read(p []byte) (int, error) {
	for {
		n, err := unix.Read(g.pipe, p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// waiting is the number of bytes in the pipe.
func (g *gate) waiting() int {
	n, err := unix.IoctlGetInt(g.pipe, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// arm asks for events; 0 is for silence.
func (g *gate) arm(fd uintptr, events uint32) {
	if events != g.armed {
		_ = control(int(fd), unix.EPOLL_CTL_MOD, g.pipe, events) // cannot fail: both are open and known
		g.armed = events
	}
}

// wake ends a wait, and those to come until awake; any goroutine may call it.
func (g *gate) wake() {
	_ = g.file.SetReadDeadline(time.Unix(1, 0)) // fails only when the gate is closed
}

func (g *gate) awake() error { return g.file.SetReadDeadline(time.Time{}) }

func (g *gate) close() error {
	return errors.Join(g.file.Close(), unix.Close(g.pipe))
}

func control(epoll, op, pipe int, events uint32) error {
	return unix.EpollCtl(epoll, op, pipe, &unix.EpollEvent{Events: events})
}
