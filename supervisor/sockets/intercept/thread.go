package intercept

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// onThread runs f on a thread of its own, which ends with it.
func onThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// Go never ends the main thread. While it is held here, another one must do it.
			defer runtime.UnlockOSThread()
			result <- onThread(f)
			return
		}
		result <- f()
	}()
	return <-result
}

// as runs f with the user's rights to files, and to the processes of that user:
// ptrace(2) compares the filesystem ids ("PTRACE_MODE_FSCREDS").
func as(user *syscall.Credential, f func() error) error {
	return onThread(func() error {
		if err := become(user); err != nil {
			return err
		}
		return f()
	})
}

// become changes the calling thread alone, unlike the functions of package syscall.
// The user comes last: after it the thread may not change the others.
func become(user *syscall.Credential) error {
	groups := append(make([]uint32, 0, len(user.Groups)+1), user.Groups...)
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0)
	if errno != 0 {
		return fmt.Errorf("set groups of thread: %w", errno)
	}
	// setfsuid(2) reports no errors; -1 changes nothing and returns the current id.
	if err := unix.Setfsgid(int(user.Gid)); err != nil {
		return fmt.Errorf("set group of thread: %w", err)
	}
	if err := unix.Setfsuid(int(user.Uid)); err != nil {
		return fmt.Errorf("set user of thread: %w", err)
	}
	if uid, err := unix.SetfsuidRetUid(-1); err != nil || uint32(uid) != user.Uid {
		return fmt.Errorf("set user of thread to %d: %w", user.Uid, unix.EPERM)
	}
	if gid, err := unix.SetfsgidRetGid(-1); err != nil || uint32(gid) != user.Gid {
		return fmt.Errorf("set group of thread to %d: %w", user.Gid, unix.EPERM)
	}
	// The change made all of gorun undumpable, and its /proc unreadable for its own user (commit_creds in kernel/cred.c).
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("stay dumpable: %w", err)
	}
	return nil
}
