package process

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A process during execve(2), whose new memory has no environment yet, is read again.
// For a moment it looks as if it had been started without one.
const (
	execRetryDelay = 200 * time.Microsecond // between two reads
	maxExecTries   = 1000                   // at most: not a time, for gorun may be held up, too
	maxEmptyTries  = 5                      // empty so often: it was started without an environment
)

// ownership is whether a process belongs to the tree.
type ownership int

const (
	foreign ownership = iota
	own
	died // before its environment was read
)

// carriesMarker searches the environment that the process was started with. That takes
// the right to trace it: its user has it, see ptrace(2).
func carriesMarker(pid int, marker string, user *syscall.Credential) ownership {
	dir := "/proc/" + strconv.Itoa(pid)
	read := os.ReadFile
	for tries, empty := 0, 0; tries < maxExecTries && empty < maxEmptyTries; tries++ {
		environ, err := read(dir + "/environ")
		if errors.Is(err, os.ErrPermission) && user != nil {
			read = func(path string) ([]byte, error) { return readAs(*user, path) }
			environ, err = read(dir + "/environ")
		}
		if len(environ) > 0 {
			return ownershipOf(environ, marker)
		}
		stat, statErr := read(dir + "/stat")
		switch {
		case statErr != nil || isDead(stat):
			return died
		case errors.Is(err, os.ErrPermission) && !isExiting(stat):
			return foreign
		case !isExecuting(stat):
			empty++
		}
		<-time.After(execRetryDelay)
	}
	return foreign
}

// ownershipOf searches a marker in an environment.
func ownershipOf(environ []byte, marker string) ownership {
	for one := range strings.SplitSeq(string(environ), "\x00") {
		if value, found := strings.CutPrefix(one, MarkerName+"="); found && containsMarker(value, marker) {
			return own
		}
	}
	return foreign
}

func isDead(stat []byte) bool {
	e, err := parseStat(stat)
	return err != nil || e.dead()
}

// isExiting reports whether a process is exiting. Its memory is gone before it is a
// zombie, and its files in /proc belong to root from then on: an ordinary user is
// refused, as if the process were another user's.
func isExiting(stat []byte) bool {
	const pfExiting = 0x4 // PF_EXITING in the kernel's linux/sched.h
	flags, err := strconv.ParseUint(statField(stat, 9), 10, 32)
	return err == nil && flags&pfExiting != 0
}

// statField returns a field of /proc/PID/stat by its number in proc(5), from the
// state (3) on; "" where there is no such field.
func statField(stat []byte, number int) string {
	const first = 3
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= number-first {
		return ""
	}
	return string(fields[number-first])
}

// isExecuting reports whether a process, whose environment read as empty, was changing
// its memory: the bounds of its environment are unset, or not empty. That is also true
// of a process that exits.
func isExecuting(stat []byte) bool {
	const environStart, environEnd = 50, 51 // numbers of fields in proc(5)
	start, end := statField(stat, environStart), statField(stat, environEnd)
	return end == "0" || start != end
}

// withMarker adds the marker to an environment. The marker of an outer gorun
// stays beside it, so that both know the process.
func withMarker(environ []string, marker string) []string {
	marked := make([]string, 0, len(environ)+1)
	for _, one := range environ {
		if outer, found := strings.CutPrefix(one, MarkerName+"="); found {
			marker = outer + " " + marker
			continue
		}
		marked = append(marked, one)
	}
	return append(marked, MarkerName+"="+marker)
}

// containsMarker relies on no marker being the end of another: each ends with random
// text.
func containsMarker(value, marker string) bool {
	return strings.Contains(" "+value+" ", " "+marker+" ")
}

// readAs reads a file with the rights of another user: root without CAP_SYS_PTRACE may
// not trace the processes of others. A new thread could exceed the container's limit,
// so this one takes the other identity, and restores what changes with it by
// credentials(7) and prctl(2).
func readAs(user syscall.Credential, path string) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var deathSignal int32
	// Not unix.Prctl: its call could move the stack, and deathSignal with it.
	_, _, _ = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&deathSignal)), 0)
	dumpable, dumpErr := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.Setfsgid(int(user.Gid))
	_ = unix.Setfsuid(int(user.Uid))
	text, err := os.ReadFile(path)
	_ = unix.Setfsuid(os.Geteuid())
	_ = unix.Setfsgid(os.Getegid())
	if dumpErr == nil {
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(dumpable), 0, 0, 0)
	}
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(deathSignal), 0, 0, 0)
	return text, err
}
