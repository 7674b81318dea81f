package main

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sandbox becomes a program in surroundings that refuse what gorun's
// interception of bind needs: KIND COMMAND….
//
//	listener  an outer filter has a listener of its own (EBUSY)
//	none      there are no filters at all (ENOSYS)
func sandbox(args []string) int {
	kind, command := args[0], args[1:]
	must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	var flags uintptr
	code := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}}
	switch kind {
	case "listener":
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	case "none":
		code = []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // seccomp_data.nr
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_SECCOMP},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
			code[0],
		}
	default:
		fail("worker: sandbox: unknown %s", kind)
	}
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		must(errno)
	}
	if kind == "listener" { // the filter has its listener for as long as somebody holds it
		_, err := unix.FcntlInt(fd, unix.F_SETFD, 0)
		must(err)
	}
	must(syscall.Exec(command[0], command, os.Environ()))
	return 1
}
