package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
