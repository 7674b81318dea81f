package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listener is a socket that listens. Inodes shows which process has it open.
type Listener struct {
	Inode   uint64
	Address Address
}

// Listeners returns all sockets that listen on a TCP port, 0 for every port, in gorun's
// network namespace and at any address.
func Listeners(port int) ([]Listener, error) {
	var all []Listener
	add := func(message []byte) error {
		if inode := diagInode(message); inode != 0 {
			all = append(all, Listener{inode, Address{IP: diagAddress(message), Port: int(binary.BigEndian.Uint16(message[4:]))}})
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

// Ports returns the TCP ports on which the processes listen, in ascending order. Where
// their sockets are unknown there are none.
func Ports(pids []int, user *syscall.Credential) []int {
	open, err := Inodes(pids, user)
	if err != nil || len(open) == 0 {
		return nil
	}
	all, _ := Listeners(0) // as many as can be listed
	var ports []int
	for _, one := range all {
		if open[one.Inode] {
			ports = append(ports, one.Address.Port)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// defaultEphemeral is the first port that the kernel chooses where nobody says otherwise.
const defaultEphemeral = 32768

// FirstEphemeral is the first port that the kernel chooses for a socket that asks for
// any: net.ipv4.ip_local_port_range, see ip(7).
func FirstEphemeral() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return defaultEphemeral
	}
	var first int
	if _, err := fmt.Sscan(string(text), &first); err != nil {
		return defaultEphemeral
	}
	return first
}
