package intercept

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// filterFlags are the flags to install a filter with, best first. Without
// WAIT_KILLABLE_RECV (Linux 5.19) signals make callers ask again; SPEC_ALLOW turns off a
// mitigation that slows programs down (before 5.16).
var filterFlags = [...]uintptr{
	unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
	unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
}

// Install installs the filter on the calling thread, for ever, and so on every process
// forked from it. The caller must have locked a thread that does nothing else and ends
// with its goroutine (see runtime.LockOSThread); the main thread of a Go program never
// ends and is refused.
//
// Programs under the filter have no_new_privs: set-user-ID and file
// capabilities do nothing for them. Their calls wait until Serve is run on the
// listener, and fail with ENOSYS once it is closed.
func Install() (listener *os.File, err error) {
	if unix.Gettid() == os.Getpid() {
		return nil, errors.New("intercept bind: not on the main thread")
	}
	program, err := nativeFilter()
	if err != nil {
		return nil, fmt.Errorf("intercept bind: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("intercept bind: set no_new_privs: %w", err)
	}
	fd, err := install(program, filterFlags[:])
	if err != nil {
		return nil, fmt.Errorf("intercept bind: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("intercept bind: %w", err)
	}
	return os.NewFile(uintptr(fd), "seccomp listener"), nil
}

// install tries the flags. The kernel opens the listener close-on-exec.
func install(program []unix.SockFilter, choices []uintptr) (fd int, err error) {
	described := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	var errno unix.Errno
	for _, flags := range choices {
		var listener uintptr
		listener, _, errno = unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags,
			uintptr(unsafe.Pointer(&described)))
		if errno == 0 {
			return int(listener), nil
		}
		if errno != unix.EINVAL { // not a flag that the kernel is too old for
			break
		}
	}
	return 0, fmt.Errorf("seccomp: %w (%s)", errno, explain(errno))
}

func explain(errno unix.Errno) string {
	switch errno { //nolint:exhaustive // those that seccomp(2) documents
	case unix.EBUSY:
		return "an outer supervisor already intercepts system calls"
	case unix.EINVAL, unix.ENOSYS:
		return "the kernel is older than 5.9, or this is a sandbox such as gVisor"
	case unix.EPERM, unix.EACCES:
		return "the container's seccomp profile forbids it"
	}
	return "unexpected"
}
