package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
)

// execHelperName is Argv[0] of the step between fork and exec: gorun itself, which
// sets what only the process can set for itself, and becomes the program. Its
// further arguments are a launch, the path of the program and its Argv.
const execHelperName = "gorun: launching"

// execHelper is what that step has to do.
type execHelper struct {
	User   *syscall.Credential
	Limits []Limit
	Listen []string // LISTEN_FDNAMES; its first descriptor is 3 (sd_listen_fds(3))
	Report int      // descriptor where the step writes why it failed; the program does not get it
	Parent int      // the gorun whose end is to be the program's, too; 0: PID 1, where that needs no wish
}

// report is an error on its way from the step to gorun.
type report struct {
	Text  string
	Errno syscall.Errno // 0: none
}

func (r report) Error() string { return r.Text }

func (r report) Unwrap() error {
	if r.Errno == 0 {
		return nil
	}
	return r.Errno
}

// launchVia starts a program with the step between fork and exec. Like the
// reaper, it returns once the program has been executed.
func launchVia(r *reaper.Reaper, request reaper.Spec, spec Spec) (*reaper.Child, error) {
	step := execHelper{User: spec.User, Limits: spec.Limits, Listen: spec.ListenNames, Report: len(request.Files)}
	if self := os.Getpid(); self != 1 {
		step.Parent = self
	}
	text, err := json.Marshal(step)
	if err != nil {
		return nil, fmt.Errorf("describe launch: %w", err)
	}
	reports, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("launch: %w", err)
	}
	defer reports.Close()
	defer write.Close()
	number, err := descriptor(write)
	if err != nil {
		return nil, err
	}
	request.Argv = append([]string{execHelperName, string(text), request.Path}, request.Argv...)
	request.Path = "/proc/self/exe"
	request.Files = append(request.Files, number)
	child, err := r.Start(request)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what was started
	}
	write.Close()
	return child, receiveReport(reports)
}

// receiveReport waits until the step is over, one way or the other.
func receiveReport(reports io.Reader) error {
	text, err := io.ReadAll(reports)
	if err != nil {
		return fmt.Errorf("launch: %w", err)
	}
	if len(text) == 0 {
		return nil
	}
	var failed report
	if err := json.Unmarshal(text, &failed); err != nil {
		return fmt.Errorf("launch: %w: %q", err, text)
	}
	return failed
}

// IsExecHelper reports whether this process was started to become another program: then
// call Launch and nothing else.
func IsExecHelper(args []string) bool {
	return len(args) > 3 && args[0] == execHelperName
}

// RunExecHelper becomes the program, and returns an exit code only when it cannot.
func RunExecHelper(args, environ []string, stderr io.Writer) int {
	runtime.LockOSThread() // the death signal is this thread's, and exec keeps it
	var step execHelper
	err := json.Unmarshal([]byte(args[1]), &step)
	if err == nil {
		unix.CloseOnExec(step.Report)
		err = step.prepare()
	}
	if err == nil {
		err = execOrShell(args[2], args[3:], step.environ(environ))
	}
	if step.sendReport(err) != nil {
		fmt.Fprintf(stderr, "gorun: cannot start %s: %v\n", args[2], err)
	}
	return CodeOf(err)
}

// environ adds the variables of socket activation (sd_listen_fds(3)). LISTEN_PID is
// why this takes a step: the number is known after the fork only.
func (l execHelper) environ(environ []string) []string {
	if len(l.Listen) == 0 {
		return environ
	}
	return append(environ,
		"LISTEN_PID="+strconv.Itoa(os.Getpid()),
		"LISTEN_FDS="+strconv.Itoa(len(l.Listen)),
		"LISTEN_FDNAMES="+strings.Join(l.Listen, ":"))
}

func (l execHelper) sendReport(failed error) error {
	r := report{Text: failed.Error()}
	_ = errors.As(failed, &r.Errno)
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("describe failure: %w", err)
	}
	if _, err := unix.Write(l.Report, text); err != nil {
		return fmt.Errorf("report failure: %w", err)
	}
	return nil
}

// prepare sets the limits before the user: hard ones may be raised by root
// alone. The death signal comes last, for a change of user clears it.
func (l execHelper) prepare() error {
	for _, limit := range l.Limits {
		if err := setLimit(limit); err != nil {
			return err
		}
	}
	if l.User != nil {
		if err := become(*l.User); err != nil {
			return err
		}
	}
	if l.Parent == 0 {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("ask for death signal: %w", err)
	}
	if os.Getppid() != l.Parent {
		return errors.New("gorun has ended")
	}
	return nil
}

func become(user syscall.Credential) error {
	groups := make([]int, len(user.Groups))
	for i, group := range user.Groups {
		groups[i] = int(group)
	}
	if err := syscall.Setgroups(groups); err != nil {
		return fmt.Errorf("set groups %v: %w", groups, err)
	}
	if err := syscall.Setgid(int(user.Gid)); err != nil {
		return fmt.Errorf("become group %d: %w", user.Gid, err)
	}
	if err := syscall.Setuid(int(user.Uid)); err != nil {
		return fmt.Errorf("become user %d: %w", user.Uid, err)
	}
	return nil
}

// setLimit goes through syscall for RLIMIT_NOFILE: the Go runtime raises that
// one for itself and restores it at exec unless it knows that it was set.
func setLimit(limit Limit) error {
	value := syscall.Rlimit{Cur: limit.Soft, Max: limit.Hard}
	if err := syscall.Setrlimit(limit.Resource, &value); err != nil {
		return fmt.Errorf("set limit %d to %d (hard %d): %w", limit.Resource, limit.Soft, limit.Hard, err)
	}
	return nil
}
