package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// reopenAfter is the time between two attempts to open a file.
	reopenAfter = time.Second
	// pipeTimeout is how long the reader of a named pipe may hold up a write.
	pipeTimeout = time.Second
)

// file is one log file, shared by all workers that name it. Its disk may hang, and its
// lock is held over system calls: only goroutines that may hang, too, wait for it.
type file struct {
	path      string
	rotation  Rotation
	set       *fileSet
	retention retention
	users     int // set's

	lock        lock     // guards the rest
	f           *os.File // nil: it could not be opened, or is closed
	own         bool     // it is gorun's own output, which has the lines already
	closed      bool
	regular     bool
	unrotatable bool
	size        int64
	unfinished  any       // owner of the unfinished line at the end
	failedAt    time.Time // when opening failed last
	rotatedAt   time.Time // in the name of the file rotated last
	lost        int64     // bytes since the first failure; 0 = none
}

func newFile(path string, r Rotation, set *fileSet) *file {
	return &file{
		path: path, rotation: r, set: set, lock: newLock(),
		retention: retention{path: path, rotation: r, quit: set.stopping, background: set.background, log: set.log},
	}
}

// openFirst opens the file before its first line comes.
func (f *file) openFirst() {
	f.lock.acquire(nil)
	defer f.lock.release()
	f.ready(f.set.now(), 0)
}

// write appends whole records; failures are logged once, and the lines are lost. It
// waits for its turn until quit.
func (f *file) write(quit <-chan struct{}, owner any, now time.Time, p []byte) {
	if !f.lock.acquire(quit) {
		return
	}
	defer f.lock.release()
	if !f.ready(now, len(p)) {
		return
	}
	if f.unfinished != nil && f.unfinished != owner {
		if _, err := f.append(newline); err != nil {
			f.failed(err, len(p))
			return
		}
	}
	for len(p) > 0 {
		cut := f.fits(p)
		n, err := f.append(p[:cut])
		f.setUnfinished(owner, p[:cut], n)
		if err != nil {
			f.failed(err, len(p)-n)
			return
		}
		p = p[cut:]
	}
	f.recovered()
}

// ready opens the file where it is not open, for size bytes; false: they are lost, or
// go to gorun's output alone.
func (f *file) ready(now time.Time, size int) bool {
	switch {
	case f.f != nil:
		return true
	case f.closed || f.own:
		return false
	case now.Sub(f.failedAt) < reopenAfter:
		f.lost += int64(size)
		return false
	}
	if err := f.open(); err != nil {
		f.failedAt = now
		f.failed(err, size)
	}
	return f.f != nil
}

// fits is how much of p goes into the current file: whole lines up to the
// limit, and at least one. The file is rotated when none fits.
func (f *file) fits(p []byte) int {
	limit := f.rotation.MaxSize
	if limit <= 0 || !f.regular || f.unrotatable || f.size+int64(len(p)) <= limit {
		return len(p)
	}
	if left := limit - f.size; left > 0 {
		if cut := bytes.LastIndexByte(p[:left], '\n') + 1; cut > 0 {
			return cut
		}
	}
	if f.size > 0 {
		f.rotate()
		if f.unrotatable || int64(len(p)) <= limit {
			return len(p)
		}
	}
	if cut := bytes.LastIndexByte(p[:limit], '\n') + 1; cut > 0 {
		return cut
	}
	if cut := bytes.IndexByte(p, '\n') + 1; cut > 0 {
		return cut
	}
	return len(p)
}

// rotate renames the file and opens a new one. When that fails, as for a file that is a
// mount point, the file grows until it is opened again: too long is better than none.
func (f *file) rotate() {
	at, err := renameRotated(f.path, f.rotatedAt)
	if err != nil {
		f.set.log.Warn("cannot rotate log file, it keeps growing", "path", f.path, "error", err)
		f.unrotatable = true
		return
	}
	f.rotatedAt = at
	_ = f.f.Close() // its data is with the kernel
	f.f = nil
	if err := f.open(); err != nil {
		f.failed(err, 0)
	}
	f.retention.wake()
}

func (f *file) append(p []byte) (int, error) {
	if f.f == nil {
		return 0, fmt.Errorf("write %s: %w", f.path, os.ErrClosed)
	}
	if !f.regular {
		_ = f.f.SetWriteDeadline(time.Now().Add(pipeTimeout)) // what has no deadlines does not wait for readers
	}
	n, err := f.f.Write(p)
	f.size += int64(n)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errors.Join(err, f.f.Close())
		f.f = nil
	}
	return n, err
}

// setUnfinished records whose line is unfinished after n bytes of p.
func (f *file) setUnfinished(owner any, p []byte, n int) {
	switch {
	case n > 0 && p[n-1] == '\n':
		f.unfinished = nil
	case n == len(p):
		f.unfinished = owner
	case n > 0:
		f.unfinished = f // torn: even its owner begins a new line
	}
}

// failed warns about the first of several failures in a row.
func (f *file) failed(err error, lost int) {
	if f.lost == 0 {
		f.set.log.Warn("cannot write log file, its lines are lost", "path", f.path, "error", err)
	}
	f.lost += int64(max(lost, 1))
}

func (f *file) recovered() {
	if f.lost > 0 {
		f.set.log.Info("log file can be written again", "path", f.path, "lost_bytes", f.lost)
	}
	f.lost = 0
}

// reopen opens the path anew, after the file was moved away. It gives up waiting for
// the file when ctx is over.
func (f *file) reopen(ctx context.Context) error {
	if !f.lock.acquire(ctx.Done()) {
		return fmt.Errorf("reopen %s: %w", f.path, ctx.Err())
	}
	defer f.lock.release()
	if f.closed {
		return nil
	}
	if f.f != nil {
		_ = f.f.Close() // its data is with the kernel
		f.f = nil
	}
	return f.open()
}

// truncate empties the file that is at the path now, which may be newer than the open
// one. Later writes are appended.
func (f *file) truncate(ctx context.Context) error {
	if !f.lock.acquire(ctx.Done()) {
		return fmt.Errorf("empty %s: %w", f.path, ctx.Err())
	}
	defer f.lock.release()
	if f.f == nil || !f.regular {
		return nil
	}
	if err := os.Truncate(f.path, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("empty log file: %w", err)
	}
	info, err := f.f.Stat()
	if err != nil {
		return fmt.Errorf("stat log file: %w", err)
	}
	if f.size = info.Size(); f.size == 0 {
		f.unfinished = nil
	}
	return nil
}

// open is called with the lock held. Where the path leads to gorun's own output it
// leaves f.f nil.
func (f *file) open() error {
	if f.own = f.set.isOwn(f.path); f.own {
		return nil
	}
	opened, err := f.set.openFile(f.path)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("stat log file: %w", err), opened.Close())
	}
	f.f, f.size, f.unfinished = opened, info.Size(), nil
	f.regular, f.unrotatable = info.Mode().IsRegular(), false
	return nil
}

// openFile opens the path for appending, and creates it with its folders. A named
// pipe without a reader is an error rather than a wait.
func openFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("create the folder of a log file: %w", err)
	}
	opened, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open log file: %w", err)
	}
	return opened, nil
}

// close closes the file for good; it waits for a write that is under way.
func (f *file) close() error {
	f.lock.acquire(nil)
	defer f.lock.release()
	f.closed = true
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}
