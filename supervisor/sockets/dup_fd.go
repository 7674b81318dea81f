package sockets

import (
	"context"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// mostHeld bounds the descriptors that are held: with more, looking takes longer
	// than what there is to gain.
	mostHeld = 64
	// heldFor is how long they are held at most, and heldLook how often is looked.
	heldFor, heldLook = 50 * time.Millisecond, 200 * time.Microsecond
)

// dupFD is a connection of a process of which gorun has a descriptor, too.
type dupFD struct {
	fdRef
	inode uint64
	dup   int
}

// Hold gets a descriptor of each connection, if gorun may (pidfd_getfd(2) asks for the
// rights of a debugger), while the processes stand still. A process that ends takes many
// milliseconds to give its memory back before it closes what it has open, and a client
// that asks meanwhile would be reset: whoever holds the connection can close it at once.
// The caller must call Release.
func (c *Clients) Hold() {
	if len(c.seen) > mostHeld {
		return
	}
	for inode := range c.seen {
		at := c.refs[inode]
		process, err := unix.PidfdOpen(at.pid, 0)
		if err != nil {
			continue
		}
		twin, err := unix.PidfdGetfd(process, at.fd, 0)
		_ = unix.Close(process)
		if err != nil {
			return // nor the others
		}
		if one := (dupFD{at, inode, twin}); one.isSocket() {
			c.dups = append(c.dups, one)
		} else {
			_ = unix.Close(twin)
		}
	}
}

// isSocket reports whether the descriptor is the connection's.
func (h dupFD) isSocket() bool {
	var stat unix.Stat_t
	return unix.Fstat(h.dup, &stat) == nil && stat.Ino == h.inode
}

// Release gives the connections back: each that the process closes, or that is open when
// it ends, is closed for the client at once. It returns after a moment, when ctx ends,
// or when none is left.
func (c *Clients) Release(ctx context.Context) {
	limit := time.NewTimer(heldFor)
	defer limit.Stop()
	look := time.NewTicker(heldLook)
	defer look.Stop()
	for len(c.dups) > 0 {
		left := c.dups[:0]
		for _, one := range c.dups {
			if one.isOpen() {
				left = append(left, one)
				continue
			}
			_ = unix.Shutdown(one.dup, unix.SHUT_WR) // another process may have it, too
			_ = unix.Close(one.dup)
		}
		c.dups = left
		select {
		case <-look.C:
		case <-limit.C:
			c.letGo()
		case <-ctx.Done():
			c.letGo()
		}
	}
}

// letGo gives up what is held.
func (c *Clients) letGo() {
	for _, one := range c.dups {
		_ = unix.Close(one.dup)
	}
	c.dups = nil
}

// isOpen reports whether the process has the connection open, and lives.
func (h dupFD) isOpen() bool {
	link, err := os.Readlink("/proc/" + strconv.Itoa(h.pid) + "/fd/" + strconv.Itoa(h.fd))
	if err != nil {
		return false
	}
	inode, found := inodeOf([]byte(link))
	return found && inode == h.inode && !isEnding(h.pid)
}
