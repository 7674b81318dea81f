package logs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pipeReader reads one pipe, and its waits can be interrupted. Go's poller is
// always armed: every write of a child would wake a thread. The reader has an
// epoll instance of its own between the pipe and Go's poller, which is armed only
// during a wait.
type pipeReader struct {
	pipe  int             // the read end, non-blocking
	file  *os.File        // the epoll instance, for Go's poller
	conn  syscall.RawConn // file's
	armed uint32          // events
}

// newPipeReader owns pipe if it succeeds.
func newPipeReader(pipe int) (*pipeReader, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	err = errors.Join(unix.SetNonblock(pipe, true), unix.SetNonblock(fd, true), epollControl(fd, unix.EPOLL_CTL_ADD, pipe, 0))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch a pipe: %w", err), unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), "epoll")
	conn, err := file.SyscallConn()
	r := &pipeReader{pipe: pipe, file: file, conn: conn}
	if err := errors.Join(err, r.resume()); err != nil { // a file outside Go's poller has no deadline
		return nil, errors.Join(fmt.Errorf("watch an epoll instance: %w", err), file.Close())
	}
	return r, nil
}

// wait calls read until it returns anything but EAGAIN, and returns that. It
// returns os.ErrDeadlineExceeded after interrupt.
func (r *pipeReader) wait(read func() error) error {
	var result error
	err := r.conn.Read(func(fd uintptr) bool {
		r.arm(fd, 0)
		if result = read(); !errors.Is(result, unix.EAGAIN) {
			return true
		}
		// Only data written after arming is sure to end the wait: so read again.
		r.arm(fd, unix.EPOLLIN)
		result = read()
		return !errors.Is(result, unix.EAGAIN)
	})
	if err != nil {
		return err
	}
	return result
}

// read never waits.
func (r *pipeReader) read(p []byte) (int, error) {
	for {
		n, err := unix.Read(r.pipe, p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// buffered is the number of bytes in the pipe.
func (r *pipeReader) buffered() int {
	n, err := unix.IoctlGetInt(r.pipe, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// arm sets the epoll events of the pipe; 0 disarms.
func (r *pipeReader) arm(fd uintptr, events uint32) {
	if events != r.armed {
		_ = epollControl(int(fd), unix.EPOLL_CTL_MOD, r.pipe, events) // cannot fail: both are open and known
		r.armed = events
	}
}

// interrupt ends a wait, and those to come until resume; any goroutine may call it.
func (r *pipeReader) interrupt() {
	_ = r.file.SetReadDeadline(time.Unix(1, 0)) // fails only when the reader is closed
}

func (r *pipeReader) resume() error { return r.file.SetReadDeadline(time.Time{}) }

func (r *pipeReader) close() error {
	return errors.Join(r.file.Close(), unix.Close(r.pipe))
}

func epollControl(epoll, op, pipe int, events uint32) error {
	return unix.EpollCtl(epoll, op, pipe, &unix.EpollEvent{Events: events})
}
