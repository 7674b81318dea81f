package process

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// terminal is gorun's controlling terminal on standard input, if it has one.
type terminal struct {
	ours bool // gorun's process group is in the foreground: gorun may give it away
}

// foreground inspects standard input.
func foreground() terminal {
	group, err := unix.IoctlGetInt(unix.Stdin, unix.TIOCGPGRP)
	return terminal{ours: err == nil && group == unix.Getpgrp()}
}

// takeBack puts gorun's process group into the foreground again, so that a shell script
// that runs gorun can go on reading. From the background that raises SIGTTOU, unless it
// is blocked (tcsetpgrp(3)).
func (t terminal) takeBack() {
	if !t.ours {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var block, before unix.Sigset_t
	block.Val[0] = 1 << (unix.SIGTTOU - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &block, &before); err != nil {
		return
	}
	// An error: the terminal has hung up.
	_ = unix.IoctlSetPointerInt(unix.Stdin, unix.TIOCSPGRP, unix.Getpgrp())
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
}

// refused reports whether the kernel refused to change the foreground group, see
// tcsetpgrp(3).
func refused(err error) bool {
	return errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EIO)
}
