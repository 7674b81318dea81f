package client

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

// Peer is the process at the other end of a connection, as the kernel has it.
type Peer struct {
	Pid int // 0: it is in a PID namespace that cannot be seen from here
	UID uint32
}

// PeerOf asks the kernel for the process at the other end of a unix socket.
func PeerOf(conn net.Conn) (Peer, error) {
	one, ok := conn.(syscall.Conn)
	if !ok {
		return Peer{}, errors.New("ask for the peer of a connection: this is no unix socket")
	}
	raw, err := one.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("ask for the peer of a connection: %w", err)
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, failed); err != nil {
		return Peer{}, fmt.Errorf("ask for the peer of a connection: %w", err)
	}
	return Peer{Pid: int(cred.Pid), UID: cred.Uid}, nil
}

// Users says what a uid means in this user namespace.
type Users struct {
	Own       uint32
	Overflow  uint32 // stands for every user that is not mapped
	AllMapped bool   // every user is mapped: Overflow is a user like any other
}

// ReadUsers reads them from /proc.
func ReadUsers() Users {
	u := Users{Own: uint32(os.Geteuid()), Overflow: 65534}
	if text, err := os.ReadFile("/proc/sys/kernel/overflowuid"); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32); err == nil {
			u.Overflow = uint32(n)
		}
	}
	text, err := os.ReadFile("/proc/self/uid_map")
	u.AllMapped = err == nil && mapsAll(string(text))
	return u
}

// mapsAll reports whether a uid_map leaves no user out: "0 0 4294967295", as
// outside of every user namespace.
func mapsAll(uidMap string) bool {
	fields := strings.Fields(uidMap)
	return len(fields) == 3 && fields[0] == "0" && fields[2] == "4294967295"
}

// Known reports whether a uid stands for one user.
func (u Users) Known(uid uint32) bool { return u.AllMapped || uid != u.Overflow }

// Foreign reports whether an abstract name has led to another container: they
// share those names when they share a network. A file is shared on purpose only.
func (p Peer) Foreign(address string) bool { return IsAbstract(address) && p.Pid == 0 }

// verifyServer returns why a client does not trust the process that listens: any
// user may have taken the address. Root also trusts the container's first process,
// and the owner of a socket file.
func verifyServer(u Users, address string, p Peer) error {
	switch {
	case p.Foreign(address):
		return fmt.Errorf("%s is held by a process of another PID namespace: it is not the gorun of this container", address)
	case u.Own == 0 && (p.Pid == 1 || !IsAbstract(address)):
		return nil
	case !u.Known(p.UID) || p.UID != 0 && p.UID != u.Own:
		return fmt.Errorf("%s is held by uid %d (pid %d), neither root nor uid %d: nothing was sent to it", address, p.UID, p.Pid, u.Own)
	}
	return nil
}
