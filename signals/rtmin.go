package signals

import (
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rtMinListener receives signal 34, SIGRTMIN. os/signal cannot: the runtime leaves
// it to musl, and its default effect ends a Go program. A handler in assembly counts
// in an eventfd(2), which a goroutine reads.
type rtMinListener struct {
	counter *os.File
	closed  chan struct{}
}

// sigaction is the kernel's struct, see rt_sigaction(2).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// Flags of sigaction(2), the same on amd64 and arm64.
const (
	flagRestorer = 0x04000000
	flagOnStack  = 0x08000000 // a signal stack: Go's own stacks are too small
	flagRestart  = 0x10000000 // system calls go on
)

// In handler_*.s.
func handlerAddress() uintptr
func restorerAddress() uintptr // 0: the kernel has its own
func counterFD() int           // the handler's eventfd; 0: none yet
func setCounterFD(fd int)

// listenRTMin sends signal 34 to out, as often as it arrives.
func listenRTMin(out chan<- os.Signal) (*rtMinListener, error) {
	counter, err := openCounter()
	if err != nil {
		return nil, fmt.Errorf("receive signal %d: %w", int(rtMin), err)
	}
	action := sigaction{
		handler:  handlerAddress(),
		flags:    flagOnStack | flagRestart,
		restorer: restorerAddress(),
		mask:     ^uint64(0),
	}
	if action.restorer != 0 {
		action.flags |= flagRestorer
	}
	if err := setAction(rtMin, action); err != nil {
		counter.Close()
		return nil, fmt.Errorf("receive signal %d: %w", int(rtMin), err)
	}
	l := &rtMinListener{counter: counter, closed: make(chan struct{})}
	go l.relay(out)
	return l, nil
}

// openCounter opens a descriptor of the eventfd for Go's poller. The handler has one
// of its own, which is never closed: a thread may still be in the handler after
// close, and must not write to a reused descriptor.
func openCounter() (*os.File, error) {
	if counterFD() == 0 {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			return nil, fmt.Errorf("eventfd: %w", err)
		}
		setCounterFD(fd)
	}
	fd, err := unix.FcntlInt(uintptr(counterFD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate eventfd: %w", err)
	}
	return os.NewFile(uintptr(fd), "signal counter"), nil
}

func (l *rtMinListener) relay(out chan<- os.Signal) {
	var count [8]byte
	for {
		if _, err := l.counter.Read(count[:]); err != nil {
			return // closed
		}
		for range binary.NativeEndian.Uint64(count[:]) {
			select {
			case out <- rtMin:
			case <-l.closed:
				return
			}
		}
	}
}

// close restores the default effect of the signal.
func (l *rtMinListener) close() {
	_ = setAction(rtMin, sigaction{}) // fails for no valid signal
	close(l.closed)
	l.counter.Close()
}

func setAction(sig unix.Signal, action sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(&action)), 0, unsafe.Sizeof(action.mask), 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigaction: %w", errno)
	}
	return nil
}
