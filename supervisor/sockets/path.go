package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindPath binds a path. A socket file without a listener is replaced, and its mode
// and owner are kept as far as gorun may set them.
func bindPath(fd int, a Address) error {
	if a.Path != "" && a.Path[0] == 0 { // unlike package unix this one takes a name that fills the whole address
		return wrap("bind", syscall.Bind(fd, &syscall.SockaddrUnix{Name: a.unixName()}))
	}
	err := unix.Bind(fd, a.sockaddr())
	if err == nil || !errors.Is(err, unix.EADDRINUSE) || a.Path == "" {
		return wrap("bind", err)
	}
	var old unix.Stat_t
	if unix.Lstat(a.Path, &old) != nil || old.Mode&unix.S_IFMT != unix.S_IFSOCK || hasListener(a) {
		return wrap("bind", err)
	}
	if err := os.Remove(a.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace stale socket file: %w", err)
	}
	if err := unix.Bind(fd, a.sockaddr()); err != nil {
		return wrap("bind", err)
	}
	_ = unix.Lchown(a.Path, int(old.Uid), int(old.Gid)) // only root may, and any other user owns it already
	return wrap("keep the mode of the socket file", unix.Chmod(a.Path, old.Mode&0o7777))
}

// hasListener reports whether a process listens on a path: otherwise connect(2)
// returns ECONNREFUSED.
func hasListener(a Address) bool {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	return !errors.Is(unix.Connect(fd, a.sockaddr()), unix.ECONNREFUSED)
}

// socketFile is a socket file that gorun has made. Most servers remove the file at
// their path before they bind, or when they end: a second, hidden name in the same
// directory restores the socket that the other workers still serve.
type socketFile struct {
	path, spare string
	made        os.FileInfo
}

// newSocketFile returns nil for names without a file. All methods accept nil.
func newSocketFile(path string) *socketFile {
	if path == "" || path[0] == 0 {
		return nil
	}
	made, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	f := &socketFile{path: path, spare: filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".gorun"), made: made}
	_ = os.Remove(f.spare)       // left by a gorun that was killed
	_ = os.Link(f.path, f.spare) // without hard links the file is not restored
	return f
}

// restore restores the file if a worker has removed it.
func (f *socketFile) restore() {
	if f != nil {
		_ = os.Link(f.spare, f.path) // EEXIST: it, or another file, is there
	}
}

// remove removes the file that newSocketFile saw, and no other one that has taken its
// place.
func (f *socketFile) remove() {
	if f == nil {
		return
	}
	_ = os.Remove(f.spare)
	if now, err := os.Lstat(f.path); err == nil && os.SameFile(now, f.made) {
		_ = os.Remove(f.path)
	}
}
