package main

import (
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// family starts N children that sleep and waits for them: N.
func family(args []string) int {
	children := make([]*exec.Cmd, number(args, 0))
	for i := range children {
		children[i] = self(args[1:]...)
		must(children[i].Start())
		say("child %d", children[i].Process.Pid)
	}
	say("ready %d", os.Getpid())
	for _, child := range children {
		_ = child.Wait()
	}
	return 0
}

// familyOfReceivers starts N children that report signals and becomes such a
// receiver itself: N.
func familyOfReceivers(args []string) int {
	receiver := []string{"stage", "-block", "all", "--", "/proc/self/exe", "signals"}
	for range number(args, 0) {
		must(self(receiver...).Start())
	}
	return stage(receiver[1:])
}

// daemon starts a grandchild by a double fork, in a session of its own, and
// then exits with CODE, or stays when CODE is "stay": CODE SUBCOMMAND….
// Its lines go to the same stdout.
func daemon(args []string) int {
	if args[0] == "middle" {
		grandchild := self(args[1:]...)
		grandchild.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		must(grandchild.Start())
		return 0
	}
	middle := self(append([]string{"daemon", "middle"}, args[1:]...)...)
	must(middle.Run())
	if args[0] == "stay" {
		say("ready %d", os.Getpid())
		hold(0)
	}
	if args[0] == "linger" {
		hold(time.Second)
		return 0
	}
	return number(args, 0)
}

// self is this program once more, sharing its output.
func self(args ...string) *exec.Cmd {
	if len(args) == 0 {
		args = []string{"sleep"}
	}
	c := exec.Command("/proc/self/exe", args...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c
}

// spawnOrphans leaves N orphans behind that end by themselves a moment later,
// then exits: N.
func spawnOrphans(args []string) int {
	for range number(args, 0) {
		must(self("daemon", "0", "crash-after", "50ms", "0").Run())
	}
	return 0
}

// zombies makes N zombies whose parent then dies, so that all of them fall to
// gorun at once, and exits with CODE: N CODE.
func zombies(args []string) int {
	n := number(args, 0)
	middle := fork()
	if middle == 0 {
		for range n {
			if fork() == 0 {
				leave(0)
			}
		}
		leave(0)
	}
	reap(middle)
	say("bred %d", n)
	if len(args) > 2 {
		d, err := time.ParseDuration(args[2])
		must(err)
		hold(d)
	}
	return number(args, 1)
}

// stream makes N orphans that die at once, a hundred at a time, then exits
// with CODE: N CODE.
func stream(args []string) int {
	const batch = 100
	for range number(args, 0) / batch {
		middle := fork()
		if middle == 0 {
			for range batch {
				if fork() == 0 {
					leave(0)
				}
			}
			leave(0)
		}
		reap(middle)
	}
	say("bred %s", args[0])
	return number(args, 1)
}

// dieTogether leaves N orphans that all end at the moment this process does:
// N CODE.
func dieTogether(args []string) int {
	n := number(args, 0)
	read, write := pipe()
	middle := fork()
	if middle == 0 {
		for range n {
			if fork() == 0 {
				unix.RawSyscall(unix.SYS_CLOSE, uintptr(write), 0, 0)
				var b byte
				readByte(read, &b)
				leave(7)
			}
		}
		leave(0)
	}
	reap(middle)
	return number(args, 1)
}

// hog takes every process that it can get for a while, then lets all of them
// go and stays: DURATION.
func hog(args []string) int {
	d, err := time.ParseDuration(args[0])
	must(err)
	read, write := pipe()
	n, told := 0, false
	for end := time.Now().Add(d); time.Now().Before(end); {
		pid := fork()
		if pid == 0 {
			unix.RawSyscall(unix.SYS_CLOSE, uintptr(write), 0, 0)
			var b byte
			readByte(read, &b)
			leave(0)
		}
		if pid > 0 {
			n++
			continue
		}
		if !told {
			told = true
			say("refused after %d", n)
		}
		// Not Go's timers: they may want a thread, which there is none left for.
		pause := unix.NsecToTimespec(int64(500 * time.Microsecond))
		_ = unix.Nanosleep(&pause, nil)
	}
	must(unix.Close(write))
	for range n {
		var status unix.WaitStatus
		_, _ = unix.Wait4(-1, &status, 0, nil)
	}
	say("released")
	hold(0)
	return 0
}

func pipe() (read, write int) {
	var fds [2]int
	must(unix.Pipe(fds[:]))
	return fds[0], fds[1]
}

func reap(pid int) {
	if pid < 0 {
		fail("worker: fork refused")
	}
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if err != unix.EINTR { //nolint:errorlint // a raw errno
			must(err)
			return
		}
	}
}
