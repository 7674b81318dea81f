package main

import (
	"os"
	"os/signal"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// arrived34 counts signal 34. Go's runtime unblocks that signal on every
// thread, installs no handler for it and ends the program when its own one is
// lent: so a handler in assembly counts.
var arrived34 uint32

func handler34() uintptr

// receiveUnblocked reports the signals that Go's runtime unblocks on its
// threads.
func receiveUnblocked() {
	signals := make(chan os.Signal, 64)
	for _, n := range []int{1, 2, 3, 6, 15, 16, 17, 31} {
		signal.Notify(signals, unix.Signal(n))
	}
	var action sigaction
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGTERM), 0, uintptr(unsafe.Pointer(&action)), 8, 0, 0)
	if errno != 0 {
		must(errno)
	}
	action.handler = handler34()
	action.install(34)
	go func() {
		for got := range signals {
			if sig, ok := got.(unix.Signal); ok {
				say("got %d", sig)
			}
		}
	}()
}

// report34 says how often signal 34 came since the last report.
func report34(reported uint32) uint32 {
	for ; reported != atomic.LoadUint32(&arrived34); reported++ {
		say("got 34")
	}
	return reported
}
