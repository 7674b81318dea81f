package intercept

import (
	"fmt"
	"os"
	"runtime"
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

// User is whom workers run as.
type User struct {
	UID, GID uint32
	Groups   []uint32
}

// as runs f with the user's rights to files, and to the processes of that
// user: ptrace(2) compares the file system ids ("PTRACE_MODE_FSCREDS").
func (u User) as(f func() error) error {
	return onThread(func() error {
		if err := u.become(); err != nil {
			return err
		}
		return f()
	})
}

// become changes the calling thread alone, unlike the functions of package
// syscall. The user comes last: it takes the right to change the others.
func (u User) become() error {
	groups := append(make([]uint32, 0, len(u.Groups)+1), u.Groups...)
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0)
	if errno != 0 {
		return fmt.Errorf("set groups of thread: %w", errno)
	}
	// setfsuid(2) tells errors by not changing anything; -1 changes nothing and returns the present one.
	if err := unix.Setfsgid(int(u.GID)); err != nil {
		return fmt.Errorf("set group of thread: %w", err)
	}
	if err := unix.Setfsuid(int(u.UID)); err != nil {
		return fmt.Errorf("set user of thread: %w", err)
	}
	if uid, err := unix.SetfsuidRetUid(-1); err != nil || uint32(uid) != u.UID {
		return fmt.Errorf("set user of thread to %d: %w", u.UID, unix.EPERM)
	}
	if gid, err := unix.SetfsgidRetGid(-1); err != nil || uint32(gid) != u.GID {
		return fmt.Errorf("set group of thread to %d: %w", u.GID, unix.EPERM)
	}
	// The change took from all of gorun what lets others of its own user look into /proc (commit_creds in kernel/cred.c).
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("stay dumpable: %w", err)
	}
	return nil
}
