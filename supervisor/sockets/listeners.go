package sockets

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Listener is a socket that listens. Inodes shows which process has it open.
type Listener struct {
	Inode   uint64
	Address Address
}

// Listeners returns all sockets that listen on a TCP port, in gorun's network namespace
// and at any address.
func Listeners(port int) ([]Listener, error) {
	var all []Listener
	add := func(message []byte) error {
		if inode := diagInode(message); inode != 0 {
			all = append(all, Listener{inode, Address{IP: diagAddress(message), Port: port}})
		}
		return nil
	}
	for _, family := range [...]uint8{unix.AF_INET, unix.AF_INET6} {
		err := portQuery{family: family, port: uint16(port), states: 1 << unix.BPF_TCP_LISTEN}.dump(add)
		if family == unix.AF_INET6 && errors.Is(err, unix.ENOENT) {
			break // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("list the listeners of port %d: %w", port, err)
		}
	}
	return all, nil
}
