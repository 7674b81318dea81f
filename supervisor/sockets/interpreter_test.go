package sockets

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// machine interprets classic BPF as bpf(4) and linux/filter.h tell, as far as
// our programs use it. The packet begins with the network header.
type machine struct {
	packet []byte
	random uint32
}

// run returns what the program returns, and how many instructions it took.
func (m machine) run(code []unix.SockFilter) (result uint32, steps int, err error) {
	var a, x uint32
	for pc := 0; pc < len(code); pc++ {
		steps++
		i := code[pc]
		operand := i.K
		if i.Code&unix.BPF_X != 0 {
			operand = x
		}
		switch i.Code & 7 {
		case unix.BPF_LD:
			if a, err = m.load(i); err != nil {
				return 0, steps, err
			}
		case unix.BPF_ALU:
			if a, err = calculate(i.Code&0xf0, a, operand); err != nil {
				return 0, steps, err
			}
		case unix.BPF_JMP:
			pc += skip(i, a)
		case unix.BPF_MISC: // TAX
			x = a
		case unix.BPF_RET:
			if i.Code == unix.BPF_RET|unix.BPF_A {
				return a, steps, nil
			}
			return i.K, steps, nil
		default:
			return 0, steps, fmt.Errorf("unknown instruction %#x", i.Code)
		}
	}
	return 0, steps, fmt.Errorf("ran off the end")
}

func (m machine) load(i unix.SockFilter) (uint32, error) {
	if i.K == 0xfffff000+56 { // SKF_AD_OFF + SKF_AD_RANDOM
		return m.random, nil
	}
	at := int64(i.K) - 0xfff00000 // SKF_NET_OFF
	if at < 0 {
		return 0, fmt.Errorf("load from %#x", i.K)
	}
	switch i.Code {
	case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
		return binary.BigEndian.Uint32(m.packet[at:]), nil
	case unix.BPF_LD | unix.BPF_B | unix.BPF_ABS:
		return uint32(m.packet[at]), nil
	}
	return 0, fmt.Errorf("unknown load %#x", i.Code)
}

func calculate(op uint16, a, operand uint32) (uint32, error) {
	switch op {
	case unix.BPF_ADD:
		return a + operand, nil
	case unix.BPF_MUL:
		return a * operand, nil
	case unix.BPF_MOD:
		return a % operand, nil
	case unix.BPF_RSH:
		return a >> operand, nil
	case unix.BPF_AND:
		return a & operand, nil
	case unix.BPF_XOR:
		return a ^ operand, nil
	}
	return 0, fmt.Errorf("unknown operation %#x", op)
}

func skip(i unix.SockFilter, a uint32) int {
	taken := false
	switch i.Code & 0xf0 {
	case unix.BPF_JA:
		return int(i.K)
	case unix.BPF_JEQ:
		taken = a == i.K
	case unix.BPF_JGE:
		taken = a >= i.K
	}
	if taken {
		return int(i.Jt)
	}
	return int(i.Jf)
}

// check finds what the kernel would refuse, and jumps that leave the program.
func check(code []unix.SockFilter) error {
	if len(code) == 0 || len(code) > 4096 { // BPF_MAXINSNS
		return fmt.Errorf("%d instructions", len(code))
	}
	if size := 8 * len(code); size > 20480-512 { // the smallest default of net.core.optmem_max
		return fmt.Errorf("%d bytes", size)
	}
	for pc, i := range code {
		if i.Code&7 != unix.BPF_JMP {
			continue
		}
		for _, to := range []int{skip(i, i.K), skip(i, i.K-1), int(i.Jt), int(i.Jf)} {
			if pc+1+to >= len(code) {
				return fmt.Errorf("instruction %d jumps to %d of %d", pc, pc+1+to, len(code))
			}
		}
	}
	if code[len(code)-1].Code&7 != unix.BPF_RET {
		return fmt.Errorf("does not end with a return")
	}
	return nil
}
