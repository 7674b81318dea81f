package sockets

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// newSocket returns a socket bound to the address, non-blocking and close-on-exec.
func newSocket(a Address, balance Balance) (int, error) {
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

// Own returns a socket bound to the address that nobody shares, non-blocking and
// close-on-exec, and its port. The caller owns the descriptor.
func Own(a Address) (fd, port int, err error) {
	fd, err = newSocket(a, Shared)
	if err != nil {
		return -1, 0, err
	}
	return fd, portOf(fd), nil
}

// checkFree returns an error when another socket has the address. It binds without
// SO_REUSEPORT: with it a group would join the sockets of any process of the same
// user that has set it too, such as a server that was left behind. For TCP only
// listening sockets count.
func checkFree(a Address) error {
	fd, err := newSocket(a, Shared)
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

// setOptions sets the options that bind(2) reads. Servers set SO_REUSEADDR
// themselves: without it the connections of the server before block a port for a
// minute (TIME_WAIT, tcp(7)).
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
