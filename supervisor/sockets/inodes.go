package sockets

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Inodes returns the inodes of the sockets that the processes have open. Processes
// that are gone are skipped. Where gorun's own rights do not suffice it reads with
// the user's, unless that is nil: root without CAP_SYS_PTRACE needs that. An error
// means that the sockets are unknown, not that there are none.
func Inodes(pids []int, user *syscall.Credential) (map[uint64]bool, error) {
	places, err := fdRefs(pids, user)
	if err != nil {
		return nil, err
	}
	all := make(map[uint64]bool, len(places))
	for inode := range places {
		all[inode] = true
	}
	return all, nil
}

// fdRef is where a process has a socket.
type fdRef struct{ pid, fd int }

// fdRefs is Inodes with one place for each.
func fdRefs(pids []int, user *syscall.Credential) (map[uint64]fdRef, error) {
	all := map[uint64]fdRef{}
	for _, pid := range pids {
		err := addRefs(all, pid)
		if errors.Is(err, fs.ErrPermission) && user != nil {
			as(user, func() { err = addRefs(all, pid) })
		}
		if err != nil && !isGone(err) && !isEnding(pid) {
			return nil, fmt.Errorf("list sockets of process %d: %w", pid, err)
		}
	}
	return all, nil
}

// isGone: a process can end after its directory was opened, too.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

// isEnding: the directory of a process that has no memory any more is root's
// (task_dump_owner in fs/proc/base.c), and its files are closed, or just about to be.
func isEnding(pid int) bool {
	const exiting = 0x4 // PF_EXITING in linux/sched.h
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return isGone(err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // from the third on, the state: proc_pid_stat(5)
	if len(fields) < 7 {
		return false
	}
	flags, err := strconv.ParseUint(string(fields[6]), 10, 64)
	return err == nil && flags&exiting != 0
}

// addRefs reads the links in /proc/PID/fd (proc_pid_fd(5)).
func addRefs(all map[uint64]fdRef, pid int) error {
	directory, err := os.Open("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		return err
	}
	defer directory.Close()
	names, err := directory.Readdirnames(-1)
	if err != nil {
		return err
	}
	link := make([]byte, 64)
	for _, name := range names {
		n, err := unix.Readlinkat(int(directory.Fd()), name, link)
		if isGone(err) {
			continue // closed meanwhile
		}
		if err != nil {
			return err
		}
		if inode, found := inodeOf(link[:n]); found {
			fd, _ := strconv.Atoi(name) // they are numbers
			all[inode] = fdRef{pid, fd}
		}
	}
	return nil
}

// inodeOf parses a link to a socket, socket:[INODE].
func inodeOf(link []byte) (uint64, bool) {
	digits, isSocket := bytes.CutPrefix(link, []byte("socket:["))
	digits, isWhole := bytes.CutSuffix(digits, []byte("]"))
	if !isSocket || !isWhole {
		return 0, false
	}
	inode, err := strconv.ParseUint(string(digits), 10, 64)
	return inode, err == nil
}

// as runs f with the user's rights to files and processes: ptrace(2) compares the
// filesystem ids. A new thread could exceed the container's limit, so this one
// changes, and restores what commit_creds in kernel/cred.c resets with them.
func as(user *syscall.Credential, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var deathSignal int32
	_, _, _ = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&deathSignal)), 0)
	dumpable, dumpErr := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.Setfsgid(int(user.Gid))
	_ = unix.Setfsuid(int(user.Uid))
	f()
	_ = unix.Setfsuid(os.Geteuid())
	_ = unix.Setfsgid(os.Getegid())
	if dumpErr == nil {
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(dumpable), 0, 0, 0)
	}
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(deathSignal), 0, 0, 0)
}
