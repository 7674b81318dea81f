package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	dispositionDefault = 0
	dispositionIgnore  = 1
)

// sigaction is the kernel's struct; its layout is the same on amd64 and arm64
// up to the mask.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

func (a sigaction) install(sig int) {
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&a)), 0, 8, 0, 0); errno != 0 {
		if sig != int(unix.SIGKILL) && sig != int(unix.SIGSTOP) {
			must(errno)
		}
	}
}

func setDisposition(sig int, disposition uintptr) {
	sigaction{handler: disposition}.install(sig)
}

// setMask changes this thread's blocked signals.
func setMask(how int, mask uint64) {
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, uintptr(how), uintptr(unsafe.Pointer(&mask)), 0, 8, 0, 0); errno != 0 {
		must(errno)
	}
}

func bit(sig int) uint64 { return 1 << (sig - 1) }

// receiveSignals prints "got N" for each signal that arrives. It must be
// started with every signal blocked (stage -block all): the kernel then queues
// what comes and nothing merges or kills. Those that Go's runtime unblocks all
// the same arrive through its handlers, when this thread is not just waiting.
func receiveSignals([]string) int {
	receiveUnblocked()
	all := ^bit(int(unix.SIGPROF))
	say("ready %d", os.Getpid())
	var reported uint32
	var info signalInfo
	for {
		timeout := unix.NsecToTimespec(int64(5 * time.Millisecond))
		n, _, errno := unix.Syscall6(unix.SYS_RT_SIGTIMEDWAIT,
			uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&timeout)), 8, 0, 0)
		switch {
		case errno != 0:
		case syscall.Signal(n) == unix.SIGURG && info.code == byThread && int(info.pid) == os.Getpid():
			// The runtime's preemption.
		case syscall.Signal(n) == unix.SIGURG:
			say("got %d, code %d, from %d", n, info.code, info.pid)
		default:
			say("got %d", n)
		}
		reported = report34(reported)
	}
}

// signalInfo is the beginning of the kernel's siginfo of a signal that a
// process sent.
type signalInfo struct {
	number, errno, code, _ int32
	pid, uid               int32
	_                      [104]byte
}

const byThread = -6 // SI_TKILL: sent by tgkill

// stage changes what a program inherits and then becomes that program:
//
//	stage [-ns] [-ignore LIST] [-block LIST|all] [-close FDS] [-nofile N] [-nnp] -- COMMAND…
func stage(args []string) int {
	var block uint64
	for len(args) > 0 && args[0] != "--" {
		flag := args[0]
		args = args[1:]
		switch flag {
		case "-ns":
			mountProc()
			continue
		case "-nnp":
			must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			continue
		}
		value := args[0]
		args = args[1:]
		switch flag {
		case "-ignore":
			for _, sig := range list(value) {
				setDisposition(sig, dispositionIgnore)
			}
		case "-block":
			if value == "all" {
				block = ^uint64(0)
				continue
			}
			for _, sig := range list(value) {
				block |= bit(sig)
			}
		case "-close":
			for _, fd := range list(value) {
				must(unix.Close(fd))
			}
		case "-nofile":
			n, err := strconv.ParseUint(value, 10, 64)
			must(err)
			// syscall's own call: Go forgets the limit it would otherwise restore at exec.
			must(syscall.Setrlimit(unix.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: 4096}))
		default:
			fail("worker: stage: unknown %s", flag)
		}
	}
	command := args[1:]
	setMask(unix.SIG_SETMASK, block)
	err := syscall.Exec(command[0], command, os.Environ())
	setMask(unix.SIG_SETMASK, 0)
	fail("worker: stage: exec %q: %v", command, err)
	return 1
}

func mountProc() {
	must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""))
}

func list(text string) []int {
	var numbers []int
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		must(err)
		numbers = append(numbers, n)
	}
	return numbers
}

// hold keeps the process alive for d, or for good when d is 0. (A bare select
// would make the runtime cry deadlock.)
func hold(d time.Duration) {
	<-time.After(d)
	for d == 0 {
		<-time.After(time.Hour)
	}
}
