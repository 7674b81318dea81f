package intercept

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Available returns why programs cannot share addresses here: a kernel before 5.9, a
// sandbox, a container profile, an outer filter with a listener. It tries it, on a
// thread that ends with the trial.
func Available() error {
	if err := attachable(); err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	own, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	defer unix.Close(own)
	given, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	defer unix.Close(given)
	return trial(own, given)
}

// trial has a thread bind own under the filter, and answers it with given.
func trial(own, given int) error {
	installed := make(chan error, 1)
	var listener *os.File
	ended := make(chan error, 1)
	go func() {
		ended <- onThread(func() (err error) {
			listener, err = Install()
			installed <- err
			if err != nil {
				return err
			}
			return unix.Bind(own, &unix.SockaddrUnix{}) // a name that the kernel chooses, should it come to that
		})
	}()
	if err := <-installed; err != nil {
		return err
	}
	err := answerTrial(listener, own, given)
	listener.Close() // a caller that still waits gets ENOSYS
	if err := errors.Join(err, <-ended); err != nil {
		return err
	}
	if !same(own, given) {
		return errors.New("intercept bind: a socket was passed to the caller and did not arrive")
	}
	return nil
}

func same(a, b int) bool {
	var left, right unix.Stat_t
	return unix.Fstat(a, &left) == nil && unix.Fstat(b, &right) == nil && left.Ino == right.Ino
}

// The levels of Yama, see ptrace(2), from which on reading the memory of a program
// needs CAP_SYS_PTRACE, and from which on it is impossible.
const (
	yamaCapability = 2
	yamaNobody     = 3
)

// attachable returns an error if Yama forbids gorun to read the memory of a program
// that it has started: a trial on gorun's own thread cannot show that.
func attachable() error {
	text, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	if err != nil {
		return nil //nolint:nilerr // no Yama, no restriction
	}
	scope, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("read kernel.yama.ptrace_scope: %w", err)
	}
	if scope >= yamaNobody || scope == yamaCapability && !mayTrace() {
		return fmt.Errorf("kernel.yama.ptrace_scope is %d: memory of programs cannot be read", scope)
	}
	return nil
}

func mayTrace() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	return unix.Capget(&header, &sets[0]) == nil && sets[0].Effective&(1<<unix.CAP_SYS_PTRACE) != 0
}

// trialTimeout is far longer than a trial takes.
const trialTimeout = 5 * time.Second

func answerTrial(listener *os.File, own, given int) error {
	channel, err := open(listener)
	if err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	if err := listener.SetReadDeadline(time.Now().Add(trialTimeout)); err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	asked, err := channel.next()
	if errors.Is(err, io.EOF) {
		return errors.New("intercept bind: the kernel accepted the filter but delivers no notifications")
	}
	if err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	from := callerOf(asked.TID)
	if _, err := from.socket(own); err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	if err := from.memory(asked.Data.Args[1], make([]byte, 2)); err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	if err := channel.place(asked.ID, given, own, unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("intercept bind: pass a socket to the caller: %w (it takes Linux 5.9 or later)", err)
	}
	if err := channel.send(asked.ID, answer{}); err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	return nil
}
