package control

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock is held as long as gorun lives, beside its socket: of two that find the
// socket of a dead one, only one may replace it.
type lock struct{ file *os.File }

// claim takes the lock that belongs to a socket's path.
func claim(path string) (*lock, error) {
	const tries = 10 // one more for each gorun that ends at this moment
	for range tries {
		l, err := tryClaim(path)
		if l != nil || err != nil {
			return l, err
		}
	}
	return nil, fmt.Errorf("lock %s.lock: it is removed again and again", path)
}

// tryClaim returns nil if the file was removed meanwhile by who had it before.
func tryClaim(path string) (*lock, error) {
	name := path + ".lock"
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the control socket: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(taken(path), file.Close())
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

// taken names the holder of the lock, who may not listen yet, or no longer.
func taken(path string) error {
	if err := holder(path); err != nil {
		return err
	}
	return &TakenError{Address: path}
}

// release removes the lock; nil has none.
func (l *lock) release() error {
	if l == nil {
		return nil
	}
	err := os.Remove(l.file.Name())
	return errors.Join(err, l.file.Close())
}
