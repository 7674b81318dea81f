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

// Listeners returns the inodes of all sockets that listen on a TCP port, in gorun's
// network namespace and at any address. Inodes shows which process has one open.
func Listeners(port int) ([]uint64, error) {
	var inodes []uint64
	err := eachListener(port, func(inode uint64, _ int) { inodes = append(inodes, inode) })
	return inodes, err
}

// Ports returns the TCP ports on which the processes listen, in ascending order. Where
// their sockets are unknown there are none.
func Ports(pids []int, user *syscall.Credential) []int {
	open, err := Inodes(pids, user)
	if err != nil || len(open) == 0 {
		return nil
	}
	var ports []int
	_ = eachListener(0, func(inode uint64, port int) {
		if open[inode] {
			ports = append(ports, port)
		}
	})
	slices.Sort(ports)
	return slices.Compact(ports)
}

// eachListener calls add for each socket that listens on the port; 0: on any.
func eachListener(port int, add func(inode uint64, port int)) error {
	each := func(message []byte) error {
		if inode := diagInode(message); inode != 0 {
			add(inode, int(binary.BigEndian.Uint16(message[4:])))
		}
		return nil
	}
	for _, family := range [...]uint8{unix.AF_INET, unix.AF_INET6} {
		err := portQuery{family: family, port: uint16(port), states: 1 << unix.BPF_TCP_LISTEN}.dump(each)
		if family == unix.AF_INET6 && errors.Is(err, unix.ENOENT) {
			break // a kernel without IPv6
		}
		if err != nil {
			return fmt.Errorf("list the listeners of port %d: %w", port, err)
		}
	}
	return nil
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
