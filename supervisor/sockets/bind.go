package sockets

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// bound returns a new socket at the address, non-blocking and close-on-exec.
func bound(a Address, balance Balance) (int, error) {
	kind := unix.SOCK_STREAM
	if a.Kind == UDP {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(a.family(), kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if err := bind(fd, a, balance); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// vacant tells whether the address is free. SO_REUSEPORT would let a group
// join any process of the same user that has set it too, such as a server that
// was left behind: so it is asked for without. For TCP it counts who listens.
func vacant(a Address) error {
	fd, err := bound(a, Shared)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func bind(fd int, a Address, balance Balance) error {
	if a.Kind == Unix {
		return bindPath(fd, a)
	}
	if err := setOptions(fd, a, balance); err != nil {
		return err
	}
	return wrap("bind", unix.Bind(fd, a.sockaddr()))
}

// setOptions sets what must be set before bind(2). SO_REUSEADDR is what
// servers set themselves: without it a port is blocked for a minute by the
// connections of the server before (TIME_WAIT, tcp(7)).
func setOptions(fd int, a Address, balance Balance) error {
	reusePort := 1
	if balance == Shared {
		reusePort = 0
	}
	errs := []error{unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, reusePort)}
	if a.Kind == TCP {
		errs = append(errs, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	}
	if a.family() == unix.AF_INET6 {
		only := 0
		if a.V6Only {
			only = 1
		}
		errs = append(errs, unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only))
	}
	return wrap("set socket options", errors.Join(errs...))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func portOf(fd int) int {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return 0
	}
	switch at := name.(type) {
	case *unix.SockaddrInet4:
		return at.Port
	case *unix.SockaddrInet6:
		return at.Port
	}
	return 0
}
