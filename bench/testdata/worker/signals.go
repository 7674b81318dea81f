package main

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigset is the kernel's set of signals: bit n-1 stands for signal n.
type sigset uint64

const usr1 = sigset(1) << (unix.SIGUSR1 - 1)

// signals writes a time stamp (CLOCK_MONOTONIC) for each SIGUSR1. The signal
// has to be blocked in all threads, or the Go runtime takes it: a program that
// is started with it blocked leaves it so.
func signals(blocked bool) error {
	runtime.LockOSThread()
	set := usr1
	if !blocked {
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(unsafe.Pointer(&set)), 0, unsafe.Sizeof(set), 0, 0)
		if errno != 0 {
			return errno
		}
		return unix.Exec("/proc/self/exe", []string{"worker", "signals", "blocked"}, os.Environ())
	}
	if _, err := os.Stdout.Write(make([]byte, 8)); err != nil { // ready
		return err
	}
	for {
		_, _, errno := unix.Syscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&set)), 0, 0, unsafe.Sizeof(set), 0, 0)
		if errors.Is(errno, unix.EINTR) {
			continue
		}
		if errno != 0 {
			return errno
		}
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			return err
		}
		stamp := binary.LittleEndian.AppendUint64(nil, uint64(now.Nano()))
		if _, err := os.Stdout.Write(stamp); err != nil {
			return err // the benchmark is over
		}
	}
}
