package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestExecLeavesItsWorkingDirectoryToTheCommand(t *testing.T) {
	command := gorunProcess(t, "exec", "--", "sh", "-c", "pwd -P; read -r x")
	command.Dir = t.TempDir()
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !sameFile(t, strings.TrimSpace(line), command.Dir) {
		t.Errorf("the command runs in %q, %v, want %s", line, err, command.Dir)
	}
	eventually(t, "gorun is in /", func() bool {
		dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", command.Process.Pid))
		return err == nil && dir == "/"
	})
	_ = stdin.Close()
	if err := command.Wait(); exitCode(err) != 1 {
		t.Errorf("exit: %v, want the code of read", err)
	}
}

// `unshare --pid` without --mount-proc: the numbers in /proc are those of another
// PID namespace, so nothing can be known from them.
func TestExecWithTheProcOfAnotherPIDNamespaceDoesWithoutTrees(t *testing.T) {
	command := gorunProcess(t, "exec", "--grace", "1h", "--", "sh", "-c", "setsid sleep 1000 & exit 3")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	if uid := os.Geteuid(); uid != 0 {
		command.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	}
	if err := command.Start(); errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOSPC) {
		t.Skipf("no PID namespace can be made here: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
	defer kill.Stop()
	if err := command.Wait(); exitCode(err) != 3 {
		t.Errorf("exit: %v, want 3", err)
	}
	if text := stderr.String(); strings.Count(text, "PID namespace") != 1 || strings.Count(text, "\n") != 1 {
		t.Errorf("it says %q, want one line about the PID namespace", text)
	}
}

func TestExecExitCodes(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
	}{
		{[]string{"--", "sh", "-c", "exit 7"}, 7},
		{[]string{"sh", "-c", "kill -TERM $$"}, 128 + 15},
		{[]string{"--grace", "1s", "--", "true"}, 0},
		{[]string{"--", "no-such-command"}, 127},
		{[]string{"--", "/"}, 126},
		{nil, codeUsage},
		{[]string{"--rewrite", "TERM"}, codeUsage},
		{[]string{"--rewrite", "KILL=TERM", "--", "true"}, codeUsage},
		{[]string{"--no-such-option", "--", "true"}, codeUsage},
	} {
		command := gorunProcess(t, append([]string{"exec"}, test.args...)...)
		var stderr bytes.Buffer
		command.Stderr = &stderr
		if code := exitCode(command.Run()); code != test.code {
			t.Errorf("exec %q: code %d, want %d: %s", test.args, code, test.code, &stderr)
		}
		if said := stderr.Len() > 0; said != (test.code == codeUsage || test.code == 126 || test.code == 127) {
			t.Errorf("exec %q says %q", test.args, &stderr)
		}
	}
}

func TestExecForwardsSignals(t *testing.T) {
	command := gorunProcess(t, "exec", "--rewrite", "USR1=HUP", "--", "sh", "-c", "trap 'echo hup; exit 4' HUP; echo up; read -r x <$0", fifo(t))
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	if line, err := lines.ReadString('\n'); line != "up\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := command.Process.Signal(unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); line != "hup\n" {
		t.Errorf("%q, %v", line, err)
	}
	if code := exitCode(command.Wait()); code != 4 {
		t.Errorf("code %d, want 4", code)
	}
}

// fifo is a pipe that nothing is written to.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func exitCode(err error) int {
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	one, err := os.Stat(a)
	if err != nil {
		t.Error(err)
		return false
	}
	other, err := os.Stat(b)
	if err != nil {
		t.Error(err)
		return false
	}
	return os.SameFile(one, other)
}

func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !happened(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
