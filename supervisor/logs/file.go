package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// reopenAfter is the time between two attempts to open a file.
	reopenAfter = time.Second
	// pipeTimeout is how long the reader of a named pipe may hold up a write.
	pipeTimeout = time.Second
)

// file is one log file, shared by all workers that name it.
type file struct {
	path      string
	rotation  Rotation
	log       *slog.Logger
	retention retention
	users     int // Output's

	mu          sync.Mutex // guards the rest
	f           *os.File   // nil: it could not be opened, or is closed
	regular     bool
	unrotatable bool // it cannot be put aside
	size        int64
	unfinished  any       // who left an unfinished line at the end
	tried       time.Time // when opening failed last
	rotatedAt   time.Time // in the name of the file put aside last
	lost        int64     // bytes since the first failure; 0 = none
}

// newFile opens the file; a failure is warned about once, and tried again as
// lines come.
func newFile(path string, r Rotation, o *Output) *file {
	f := &file{path: path, rotation: r, log: o.log, retention: retention{path: path, rotation: r, quit: o.quit, running: &o.running, log: o.log}}
	if err := f.reopen(); err != nil {
		f.failed(err, 0)
		f.tried = o.now()
	}
	return f
}

// write appends whole records; what cannot be written is lost, and said once.
func (f *file) write(owner any, now time.Time, p []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil && !f.retry(now) {
		f.lost += int64(len(p))
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

// room is how much of p goes into the current file: whole lines up to the
// limit, and at least one. The file is put aside when it takes none.
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

// rotate puts the file aside. When that fails, as for a file that is a mount
// point, it grows until it is opened anew: better too long than none.
func (f *file) rotate() {
	aside, err := renameRotated(f.path, f.rotatedAt)
	if err != nil {
		f.log.Warn("log file cannot be rotated, it goes on growing", "path", f.path, "error", err)
		f.unrotatable = true
		return
	}
	f.rotatedAt = aside
	_ = f.f.Close() // its data is with the kernel
	f.f = nil
	if err := f.openPath(); err != nil {
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

// settle remembers whose line is unfinished after n bytes of p.
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

// fail warns about the first of a row of failures.
func (f *file) failed(err error, lost int) {
	if f.lost == 0 {
		f.log.Warn("log file cannot be written, going on without it", "path", f.path, "error", err)
	}
	f.lost += int64(max(lost, 1))
}

func (f *file) recovered() {
	if f.lost > 0 {
		f.log.Info("log file is written again", "path", f.path, "lost_bytes", f.lost)
	}
	f.lost = 0
}

func (f *file) retry(now time.Time) bool {
	if now.Sub(f.tried) < reopenAfter {
		return false
	}
	f.tried = now
	return f.openPath() == nil
}

// reopen follows a file that was moved away.
func (f *file) reopen() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f != nil {
		_ = f.f.Close() // its data is with the kernel
		f.f = nil
	}
	return f.openPath()
}

// truncate empties what is at the path now, which may have been put there since
// the file was opened. What goes on being written is appended.
func (f *file) truncate() error {
	f.mu.Lock()
	defer f.mu.Unlock()
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

// openIt appends to the path, which it creates with its folders. A named pipe
// without a reader is an error rather than a wait.
func (f *file) openPath() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return fmt.Errorf("create the folder of a log file: %w", err)
	}
	opened, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return fmt.Errorf("open log file: %w", err)
	}
	info, err := opened.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("stat log file: %w", err), opened.Close())
	}
	f.f, f.size, f.unfinished = opened, info.Size(), nil
	f.regular, f.unrotatable = info.Mode().IsRegular(), false
	return nil
}

func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	f.tried = time.Unix(1<<40, 0) // for good
	return err
}

// instancePath puts -0, -1, … before the extension.
func instancePath(path string, instance int) string {
	if isNoFile(path) {
		return path
	}
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-" + strconv.Itoa(instance) + ext
}

// isNowhere tells names that mean no file, pm2's NULL included, and those of gorun's own output.
func isNoFile(path string) bool {
	switch path {
	case "", "NULL", "/dev/null", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1", "/proc/self/fd/2":
		return true
	}
	return filepath.Base(path) == "NULL"
}
