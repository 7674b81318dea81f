package sockets

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Hold keeps new clients waiting, also those of members that are yet to come:
// while the last workers end, they are not refused. Their kernel asks again
// after 1, 3, 7 … seconds (tcp_syn_retries in tcp(7)), and finds the next workers, or
// another container. What is in the handshake or in a queue goes on. Relays and
// probes of gorun are new clients too: relay first. Datagrams and paths go on
// as before. Where it fails, nobody is held: kernels of 2026 want CAP_NET_ADMIN
// (EPERM; SO_ATTACH_FILTER in net/core/sock.c, commit 5d39580f68e6).
func (g *Groups) Hold() error {
	if err := mayHold(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.eachTCP(hold); err != nil {
		g.held = false
		return errors.Join(err, g.eachTCP(resume))
	}
	g.held = true
	return nil
}

// mayHold tries it: what is opened later must not fail for it.
func mayHold() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return wrap("hold connections: socket", err)
	}
	defer unix.Close(fd)
	return hold(fd)
}

// Resume lets new clients in again.
func (g *Groups) Resume() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = false
	return g.eachTCP(resume)
}

func (g *Groups) eachTCP(do func(fd int) error) error {
	var errs []error
	for _, of := range g.groups {
		if of.address.Kind != TCP {
			continue
		}
		for _, m := range of.all() {
			if err := do(m.fd); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", of.address, err))
			}
		}
	}
	return errors.Join(errs...)
}

// bound returns a new socket for the group: a held one where all are.
func (g *Groups) bound(a Address) (int, error) {
	fd, err := bound(a, g.balance)
	if err != nil || !g.held || a.Kind != TCP {
		return fd, err
	}
	if err := hold(fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// synAlone drops segments with SYN and without ACK. A listener's filter sees them
// from the TCP header on, before anything is answered (tcp_filter in
// net/ipv4/tcp_ipv4.c); byte 13 has the flags. A final ACK passes it, also one with a
// SYN cookie. Accepted sockets inherit the filter (sk_clone_lock in net/core/sock.c), where
// no SYN is due. Steering has a program of its own, which runs before.
func synAlone() []unix.SockFilter {
	const flags, syn, ack = 13, 0x02, 0x10
	const all = 0xffffffff
	p := &assembler{}
	p.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_ABS, flags)
	p.emit(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, syn|ack)
	p.unless(syn, 1)
	p.emit(unix.BPF_RET|unix.BPF_K, 0)
	p.emit(unix.BPF_RET|unix.BPF_K, all)
	return p.code
}

func hold(fd int) error {
	code := synAlone()
	filter := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	return wrap("hold connections (SO_ATTACH_FILTER)", unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &filter))
}

func resume(fd int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil // it was not held
	}
	return wrap("resume connections (SO_DETACH_FILTER)", err)
}
