package sockets

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// heldBy starts a worker that has the files, and nothing else of ours.
func heldBy(t *testing.T, credential *syscall.Credential, files ...*os.File) *exec.Cmd {
	t.Helper()
	worker := exec.CommandContext(t.Context(), "/proc/self/exe")
	worker.Dir = "/"
	worker.Env = append(os.Environ(), "GORUN_TEST_WORKER=hold")
	worker.ExtraFiles = files
	worker.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	_, err := worker.StdinPipe()
	must(t, err)
	out, err := worker.StdoutPipe()
	must(t, err)
	must(t, worker.Start())
	t.Cleanup(func() { _, _ = worker.Process.Kill(), worker.Wait() })
	_, err = io.ReadFull(out, make([]byte, 1))
	must(t, err)
	return worker
}

func fileOf(t *testing.T, c *net.TCPConn) *os.File {
	t.Helper()
	file, err := c.File()
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func TestInodesAreTheProcesss(t *testing.T) {
	a, b := newServed(t, at("127.0.0.1"), "127.0.0.1"), newServed(t, at("127.0.0.1"), "127.0.0.1")
	one := heldBy(t, nil, fileOf(t, a.worker)).Process.Pid
	two := heldBy(t, nil, fileOf(t, b.worker)).Process.Pid
	for _, test := range []struct {
		pids []int
		want map[uint64]bool
	}{
		{[]int{one}, inodes(t, a.worker)},
		{[]int{two}, inodes(t, b.worker)},
		{[]int{one, two}, inodes(t, a.worker, b.worker)},
	} {
		if got, err := Inodes(test.pids, nil); err != nil || !maps.Equal(got, test.want) {
			t.Errorf("inodes %v, %v; want %v", got, err, test.want)
		}
	}
}

func TestInodesOfProcessesThatAreGone(t *testing.T) {
	worker := heldBy(t, nil)
	must(t, worker.Process.Kill())
	pid := worker.Process.Pid
	var end unix.Siginfo
	must(t, unix.Waitid(unix.P_PID, pid, &end, unix.WEXITED|unix.WNOWAIT, nil))
	if got, err := Inodes([]int{pid}, nil); err != nil || len(got) > 0 {
		t.Errorf("of a zombie: %v, %v", got, err)
	}
	_ = worker.Wait()
	if got, err := Inodes([]int{pid}, nil); err != nil || len(got) > 0 {
		t.Errorf("when it is reaped: %v, %v", got, err)
	}
}

func TestInodesOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("is for root")
	}
	s := newServed(t, at("127.0.0.1"), "127.0.0.1")
	pid := heldBy(t, &syscall.Credential{Uid: 1000, Gid: 1001}, fileOf(t, s.worker)).Process.Pid
	want := inodes(t, s.worker)
	// Go's fork shares the memory until exec: the worker's setuid has taken this from us (commit_creds in kernel/cred.c).
	must(t, unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0))
	incapable(t, unix.CAP_SYS_PTRACE, func() {
		if got, err := Inodes([]int{pid}, nil); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("with root's rights: %v, %v", got, err)
		}
		if got, err := Inodes([]int{pid}, &syscall.Credential{Uid: 1000, Gid: 1000}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("with another group's rights: %v, %v", got, err)
		}
		if got, err := Inodes([]int{pid, os.Getpid()}, &syscall.Credential{Uid: 1000, Gid: 1001}); err != nil || len(got) <= 1 || !got[inode(t, s.worker)] {
			t.Errorf("with the user's rights, beside root's own: %v, %v", got, err)
		}
		if got, err := Inodes([]int{pid}, &syscall.Credential{Uid: 1000, Gid: 1001}); err != nil || !maps.Equal(got, want) {
			t.Errorf("with the user's rights: %v, %v; want %v", got, err, want)
		}
		asBefore(t)
	})
}

// incapable runs f without a capability, as a container's root often is.
func incapable(t *testing.T, capability int, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its lesser rights
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		err := unix.Capget(&header, &data[0])
		defer func() { done <- err }() // also when f gives up
		data[0].Effective &^= 1 << capability
		if err = errors.Join(err, unix.Capset(&header, &data[0])); err == nil {
			f()
		}
	}()
	must(t, <-done)
}

// asBefore wants this thread to be itself again.
func asBefore(t *testing.T) {
	t.Helper()
	uid, err := unix.SetfsuidRetUid(-1)
	must(t, err)
	gid, err := unix.SetfsgidRetGid(-1)
	must(t, err)
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	must(t, err)
	if uid != os.Geteuid() || gid != os.Getegid() || dumpable != 1 {
		t.Errorf("left as user %d, group %d, dumpable %d", uid, gid, dumpable)
	}
}

func TestInodeOf(t *testing.T) {
	for link, want := range map[string]uint64{
		"socket:[17]": 17, "pipe:[17]": 0, "/socket:[17]": 0, "socket:[17": 0, "socket:[]": 0, "socket:[-1]": 0, "": 0,
	} {
		if got, found := inodeOf([]byte(link)); got != want || found != (want != 0) {
			t.Errorf("%q: %d, %t", link, got, found)
		}
	}
}
