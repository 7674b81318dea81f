package sockets

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Offsets for a classic BPF program (linux/filter.h): from netOffset on it reads the
// network header, from ancillary on the kernel's ancillary data.
const (
	netOffset = 0xfff00000 // SKF_NET_OFF, -0x100000
	ancillary = 0xfffff000 // SKF_AD_OFF, -0x1000
	random    = ancillary + 56

	sourceIPv4 = netOffset + 12
	sourceIPv6 = netOffset + 8
	portsIPv4  = netOffset + 20 // without IP options
	portsIPv6  = netOffset + 40 // without extension headers
)

// The probe addresses: a connection from 127.103.x.y reaches member x*256+y. Only
// this host can have such a source address.
const (
	probeNet  = 127<<24 | 103<<16
	probeMask = 0xffff0000
)

// goldenRatio is the multiplier of Fibonacci hashing (Knuth, TAOCP 6.4).
const goldenRatio = 0x9e3779b1

// hashes reports whether the member is chosen by a hash of the client, not at random:
// a flow of datagrams must stay together.
func hashes(balance Balance, kind Kind) bool { return kind == UDP || balance == Sticky }

// program picks a member for a new connection (SO_ATTACH_REUSEPORT_CBPF,
// socket(7)): it returns an index into the kernel's group. An index out of range
// makes the kernel use its own hash. The table holds the positions of the live
// members, ascending, or one for each bucket where clients are hashed.
func program(balance Balance, kind Kind, table []int) []unix.SockFilter {
	p := &assembler{}
	p.probes()
	if hashes(balance, kind) {
		p.hash(balance, kind)
	} else {
		p.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, random)
		p.emit(unix.BPF_ALU|unix.BPF_MOD|unix.BPF_K, uint32(len(table)))
	}
	p.choose(table)
	return p.code
}

// assembler collects instructions.
type assembler struct{ code []unix.SockFilter }

func (p *assembler) emit(op uint16, k uint32) {
	p.code = append(p.code, unix.SockFilter{Code: op, K: k})
}

// unless emits a conditional jump over the next n instructions where the
// accumulator is not k.
func (p *assembler) unless(k uint32, n uint8) {
	p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: n, K: k})
}

// version leaves the IP version in the accumulator.
func (p *assembler) version() {
	p.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_ABS, netOffset)
	p.emit(unix.BPF_ALU|unix.BPF_RSH|unix.BPF_K, 4)
}

// probes returns the low half of an IPv4 source in probeNet.
func (p *assembler) probes() {
	p.version()
	p.unless(4, 6)
	p.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, sourceIPv4)
	p.emit(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, probeMask)
	p.unless(probeNet, 3)
	p.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, sourceIPv4)
	p.emit(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, ^uint32(probeMask))
	p.emit(unix.BPF_RET|unix.BPF_A, 0)
}

// hash leaves a bucket in the accumulator: of the client's address, and to
// spread datagrams of its port too.
func (p *assembler) hash(balance Balance, kind Kind) {
	words4, words6 := []uint32{sourceIPv4}, []uint32{sourceIPv6, sourceIPv6 + 4, sourceIPv6 + 8, sourceIPv6 + 12}
	if kind == UDP && balance != Sticky {
		words4, words6 = append(words4, portsIPv4), append(words6, portsIPv6)
	}
	ipv4, ipv6 := &assembler{}, &assembler{}
	ipv4.xor(words4)
	ipv6.xor(words6)
	ipv4.emit(unix.BPF_JMP|unix.BPF_JA, uint32(len(ipv6.code)))
	p.version()
	p.unless(4, uint8(len(ipv4.code)))
	p.code = append(append(p.code, ipv4.code...), ipv6.code...)
	p.emit(unix.BPF_ALU|unix.BPF_MUL|unix.BPF_K, goldenRatio)
	p.emit(unix.BPF_ALU|unix.BPF_RSH|unix.BPF_K, 24) // one of 256 buckets
}

// xor leaves the words at the offsets in the accumulator, mixed.
func (p *assembler) xor(offsets []uint32) {
	p.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsets[0])
	for _, offset := range offsets[1:] {
		p.emit(unix.BPF_ALU|unix.BPF_MUL|unix.BPF_K, goldenRatio)
		p.emit(unix.BPF_MISC|unix.BPF_TAX, 0)
		p.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset)
		p.emit(unix.BPF_ALU|unix.BPF_XOR|unix.BPF_X, 0)
	}
}

// choose returns table[A]. A run of positions that ascend by one takes three
// instructions, so a table without gaps is one addition.
func (p *assembler) choose(table []int) {
	for first := 0; first < len(table); {
		next := first + 1
		for next < len(table) && table[next] == table[next-1]+1 {
			next++
		}
		if next < len(table) {
			// A < next: classic BPF has only A >= next.
			p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, Jt: 2, K: uint32(next)})
		}
		p.emit(unix.BPF_ALU|unix.BPF_ADD|unix.BPF_K, uint32(int32(table[first]-first)))
		p.emit(unix.BPF_RET|unix.BPF_A, 0)
		first = next
	}
}

// steerTo attaches the program to the reuseport group of fd, for all members at once.
func steerTo(fd int, code []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &prog); err != nil {
		return fmt.Errorf("steer connections (SO_ATTACH_REUSEPORT_CBPF): %w", err)
	}
	return nil
}
