package logs

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// writer is gorun's stdout or stderr.
type writer struct {
	w      io.Writer
	own    *os.File // w, if it is our duplicate
	info   os.FileInfo
	lock   lock
	report func(error)

	// The lock guards the rest.
	unfinished any // owner of the unfinished line at the end
	failing    bool
}

// newWriters makes one writer of stdout and stderr that are the same file: two
// would cut into each other's lines.
func newWriters(stdout, stderr io.Writer, report func(error)) [2]*writer {
	out := newWriter(stdout, report)
	err := newWriter(stderr, func(error) {}) // there is nowhere left to report it
	if out.info != nil && err.info != nil && os.SameFile(out.info, err.info) {
		err.close()
		return [2]*writer{out, out}
	}
	return [2]*writer{out, err}
}

func newWriter(w io.Writer, report func(error)) *writer {
	out := &writer{w: w, lock: newLock(), report: report}
	f, ok := w.(*os.File)
	if !ok {
		return out
	}
	if info, err := f.Stat(); err == nil {
		out.info = info
	}
	if own := duplicate(f); own != nil {
		out.w, out.own = own, own
	}
	return out
}

// duplicate avoids the numbers 1 and 2: on those, Go ends the process when the
// reader has gone (SIGPIPE).
func duplicate(f *os.File) *os.File {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	fd := -1
	err = conn.Control(func(old uintptr) {
		if n, err := unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 3); err == nil {
			fd = n
		}
	})
	if err != nil || fd < 0 {
		return nil
	}
	return os.NewFile(uintptr(fd), f.Name())
}

// write writes p in one piece, after a newline if another owner's line is
// unfinished. It waits for other writers until quit; false means that p was dropped.
func (w *writer) write(quit <-chan struct{}, owner any, p []byte) bool {
	if !w.lock.acquire(quit) {
		return false
	}
	defer w.lock.release()

	var err error
	if w.unfinished != nil && w.unfinished != owner {
		err = writeAll(w.w, newline)
	}
	if err == nil {
		err = writeAll(w.w, p)
	}
	w.unfinished = nil
	switch {
	case err != nil:
		w.unfinished = w // how much arrived is unknown
	case p[len(p)-1] != '\n':
		w.unfinished = owner
	}
	if err != nil && !w.failing {
		w.report(err)
	}
	w.failing = err != nil
	return true
}

// close ends a write that waits in Go's poller; a blocking write(2) stays until it
// returns.
func (w *writer) close() {
	if w.own == nil {
		return
	}
	_ = w.own.SetWriteDeadline(time.Unix(1, 0)) // fails for a blocking file, which has none
	_ = w.own.Close()
}

// writeAll also writes to a file that another process has made non-blocking, which
// it can where it shares a terminal.
func writeAll(w io.Writer, p []byte) error {
	for {
		n, err := w.Write(p)
		p = p[min(n, len(p)):]
		if err == nil || !errors.Is(err, unix.EAGAIN) {
			return err
		}
		f, ok := w.(syscall.Conn)
		if !ok || !awaitWritable(f) {
			return err
		}
	}
}

func awaitWritable(f syscall.Conn) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	err = conn.Control(func(fd uintptr) {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
	})
	return err == nil
}
