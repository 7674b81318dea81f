package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// fork makes a bare copy of this process with one thread. The copy may use
// raw system calls only: no runtime serves it.
//
//go:nosplit
//go:norace
func fork() int {
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return -1
	}
	return int(pid)
}

// leave ends a copy made by fork.
//
//go:nosplit
//go:norace
func leave(code int) {
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0)
	}
}

// readByte waits for a byte, or for the end of all writers.
//
//go:nosplit
//go:norace
func readByte(fd int, b *byte) {
	unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(b)), 1)
}
