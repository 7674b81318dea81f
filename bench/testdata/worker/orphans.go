package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// nap is how exactly the end of the reaping is seen.
const nap = 200 * time.Microsecond

// fork makes a child that ends at once. Between fork and exit it must not touch
// the Go runtime: of its threads only this one exists in the child.
//
//go:nosplit
//go:norace
func fork() (int, error) {
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	if pid == 0 {
		for {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	return int(pid), nil
}

// zombies makes n dead children, tells their pids, and ends when its standard
// input does: then all of them become init's at the same moment.
func zombies(n int) error {
	out := bufio.NewWriter(os.Stdout)
	for range n {
		pid, err := fork()
		if err != nil {
			return err
		}
		for {
			err = unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(out, pid)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// burst measures from the death of the parent of n zombies to the burial of
// the last of them.
func burst(n int) error {
	parent := exec.Command("/proc/self/exe", "zombies", strconv.Itoa(n))
	parent.Stderr = os.Stderr
	end, err := parent.StdinPipe()
	if err != nil {
		return err
	}
	out, err := parent.StdoutPipe()
	if err != nil {
		return err
	}
	if err := parent.Start(); err != nil {
		return err
	}
	pids := make([]int, 0, n)
	for lines := bufio.NewScanner(out); len(pids) < n && lines.Scan(); {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		pids = append(pids, pid)
	}
	if len(pids) < n {
		return fmt.Errorf("only %d zombies of %d: %w", len(pids), n, parent.Wait())
	}
	return tell(func() error {
		if err := end.Close(); err != nil {
			return err
		}
		awaitBurial(pids)
		return parent.Wait()
	})
}

// stream makes n orphans one after another: each is the child of a child that
// ends at once. A process of its own does that for a hundred of them.
func stream(n int) error {
	return tell(func() error {
		var last []int
		for range n / 100 {
			parent := exec.Command("/proc/self/exe", "zombies", "100")
			text, err := parent.Output()
			if err != nil {
				return err
			}
			last = last[:0]
			for pid := range strings.FieldsSeq(string(text)) {
				number, err := strconv.Atoi(pid)
				if err != nil {
					return err
				}
				last = append(last, number)
			}
		}
		awaitBurial(last)
		return nil
	})
}

// tell prints the seconds that do took, the CPU seconds of init meanwhile, and
// its peak memory in kB.
func tell(do func() error) error {
	init := os.Getppid()
	before := cpu(init)
	begun := time.Now()
	if err := do(); err != nil {
		return err
	}
	took := time.Since(begun)
	fmt.Println(took.Seconds(), cpu(init)-before, peak(init))
	return nil
}

// awaitBurial returns when none of the pids is a zombie of init any more.
func awaitBurial(pids []int) {
	init := strconv.Itoa(os.Getppid())
	for _, pid := range pids {
		for waiting(pid, init) {
			time.Sleep(nap)
		}
	}
}

// waiting looks twice: the number may belong to somebody else by now.
func waiting(pid int, init string) bool {
	if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return false
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	return string(fields[0]) == "Z" && (string(fields[1]) == init || string(fields[1]) == strconv.Itoa(os.Getpid()))
}

// cpu tells the seconds that a process has run, by its CPU-time clock.
func cpu(pid int) float64 {
	const byScheduler = 2
	var used unix.Timespec
	_ = unix.ClockGettime(int32(^pid)<<3|byScheduler, &used)
	return time.Duration(used.Nano()).Seconds()
}

// peak tells the most memory that a process has ever had, in kB.
func peak(pid int) string {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	value, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	return value
}
