package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// peer is the process at the other end, as the kernel vouches for it.
type peer struct {
	pid int // 0: it is in a PID namespace that cannot be seen from here
	uid uint32
}

func peerOf(conn net.Conn) (peer, error) {
	one, ok := conn.(syscall.Conn)
	if !ok {
		return peer{}, errors.New("ask who is at the other end: this is no unix socket")
	}
	raw, err := one.SyscallConn()
	if err != nil {
		return peer{}, fmt.Errorf("ask who is at the other end: %w", err)
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, failed); err != nil {
		return peer{}, fmt.Errorf("ask who is at the other end: %w", err)
	}
	return peer{pid: int(cred.Pid), uid: cred.Uid}, nil
}

// users is what a uid is worth in this user namespace.
type users struct {
	own      uint32
	overflow uint32 // stands for every user that is not mapped
	whole    bool   // every user is mapped: overflow is a user like any other
}

func readUsers() users {
	u := users{own: uint32(os.Geteuid()), overflow: 65534}
	if text, err := os.ReadFile("/proc/sys/kernel/overflowuid"); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32); err == nil {
			u.overflow = uint32(n)
		}
	}
	text, err := os.ReadFile("/proc/self/uid_map")
	u.whole = err == nil && mapsAll(string(text))
	return u
}

// mapsAll tells whether a uid_map leaves out nobody: "0 0 4294967295", as
// outside of every user namespace.
func mapsAll(uidMap string) bool {
	fields := strings.Fields(uidMap)
	return len(fields) == 3 && fields[0] == "0" && fields[2] == "4294967295"
}

// known tells whether a uid stands for one user.
func (u users) known(uid uint32) bool { return u.whole || uid != u.overflow }

// guard decides who may talk to whom at an address.
type guard struct {
	users
	address string
}

func newGuard(address string) guard { return guard{users: readUsers(), address: address} }

// refuse is what gorun says to a client: nil to its own user and root.
func (g guard) refuse(p peer) error {
	switch {
	case g.foreign(p):
		return fmt.Errorf("%s is for processes of gorun's own PID namespace; yours is another one", g.address)
	case !g.known(p.uid):
		return fmt.Errorf("gorun runs as uid %d and answers that user and root alone; you show as uid %d, which stands for every user that this user namespace does not know", g.own, p.uid)
	case p.uid != 0 && p.uid != g.own:
		return fmt.Errorf("gorun runs as uid %d and answers that user and root alone; you are uid %d", g.own, p.uid)
	}
	return nil
}

// distrust is what a client thinks of whoever listens: anybody may have taken
// the address. Root also believes the container's first process, and whoever
// could put a file there.
func (g guard) distrust(p peer) error {
	switch {
	case g.foreign(p):
		return fmt.Errorf("%s is held by a process of another PID namespace: it is not the gorun of this container", g.address)
	case g.own == 0 && (p.pid == 1 || !isAbstract(g.address)):
		return nil
	case !g.known(p.uid) || p.uid != 0 && p.uid != g.own:
		return fmt.Errorf("%s is held by uid %d (pid %d), who is neither root nor uid %d: nothing was sent to it", g.address, p.uid, p.pid, g.own)
	}
	return nil
}

// foreign tells whether an abstract name has led to another container: they
// share those when they share a network. A file is shared on purpose only.
func (g guard) foreign(p peer) bool { return isAbstract(g.address) && p.pid == 0 }
