package control

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock is a file beside the socket, locked as long as gorun lives: of two that find
// the socket of a dead one, only one may replace it.
type lock struct{ file *os.File }

// acquireLock takes the lock that belongs to a socket's path.
func acquireLock(path string) (*lock, error) {
	const tries = 10 // one more for each gorun that ends at this moment
	for range tries {
		l, err := tryLock(path)
		if l != nil || err != nil {
			return l, err
		}
	}
	return nil, fmt.Errorf("lock %s.lock: it is removed again and again", path)
}

// tryLock returns nil if the last holder removed the file meanwhile.
func tryLock(path string) (*lock, error) {
	name := path + ".lock"
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the control socket: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(inUse(path), file.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), file.Close())
	}
	ours, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the control socket: %w", err), file.Close())
	}
	if there, err := os.Lstat(name); err != nil || !os.SameFile(ours, there) {
		return nil, file.Close()
	}
	return &lock{file}, nil
}

// inUse names the holder of the lock, which may not listen yet, or no longer.
func inUse(path string) error {
	if err := holder(path); err != nil {
		return err
	}
	return &InUseError{Address: path}
}

// release removes the lock; nil has none.
func (l *lock) release() error {
	if l == nil {
		return nil
	}
	err := os.Remove(l.file.Name())
	return errors.Join(err, l.file.Close())
}
