package logs

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sink is gorun's stdout or stderr. Who holds the turn writes; a channel, so
// that waiting for it can be cut short.
type sink struct {
	w      io.Writer
	own    *os.File // w, if it is our duplicate
	info   os.FileInfo
	turn   chan struct{}
	report func(error)

	// The rest belongs to the holder of the turn.
	open    any // who left an unfinished line at the end
	failing bool
}

// newSinks makes one sink of stdout and stderr that are the same file: two
// writers of one pipe would cut into each other's lines.
func newSinks(stdout, stderr io.Writer, report func(error)) [2]*sink {
	out := newSink(stdout, report)
	err := newSink(stderr, func(error) {}) // there is nowhere left to tell it
	if out.info != nil && err.info != nil && os.SameFile(out.info, err.info) {
		err.close()
		return [2]*sink{out, out}
	}
	return [2]*sink{out, err}
}

func newSink(w io.Writer, report func(error)) *sink {
	k := &sink{w: w, turn: make(chan struct{}, 1), report: report}
	f, ok := w.(*os.File)
	if !ok {
		return k
	}
	if info, err := f.Stat(); err == nil {
		k.info = info
	}
	if own := duplicate(f); own != nil {
		k.w, k.own = own, own
	}
	return k
}

// duplicate avoids the numbers 1 and 2: on those, Go answers a reader that has
// gone by ending the process.
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

// write writes p in one piece, after a newline if somebody else's line is
// unfinished. It waits for the sink until quit; false means that p was dropped.
func (k *sink) write(quit <-chan struct{}, owner any, p []byte) bool {
	select {
	case k.turn <- struct{}{}:
	case <-quit:
		return false
	}
	defer func() { <-k.turn }()

	var err error
	if k.open != nil && k.open != owner {
		err = writeAll(k.w, newline)
	}
	if err == nil {
		err = writeAll(k.w, p)
	}
	k.open = nil
	switch {
	case err != nil:
		k.open = k // how much arrived is unknown
	case p[len(p)-1] != '\n':
		k.open = owner
	}
	if err != nil && !k.failing {
		k.report(err)
	}
	k.failing = err != nil
	return true
}

// close lets a writer that waits in Go's poller go; one in a blocking write
// stays until the write returns.
func (k *sink) close() {
	if k.own == nil {
		return
	}
	_ = k.own.SetWriteDeadline(time.Unix(1, 0)) // fails for a blocking file, which has none
	_ = k.own.Close()
}

// writeAll also writes to a file that another process has made non-blocking
// behind our back, which it can where it shares a terminal.
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
