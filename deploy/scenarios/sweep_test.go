//go:build scenarios

package scenarios_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sweeperVariable makes this test binary the sweeper of another one: PID DIRECTORY.
const sweeperVariable = "GORUN_SCENARIO_SWEEPER"

// sweeper cleans up after a run, also after one that was killed or took too long:
// a process that waits for the end of its input.
type sweeper struct {
	command *exec.Cmd
	input   io.Closer
}

// startSweeper has the processes of this run and a directory removed at its end.
func startSweeper(dir string) (*sweeper, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &sweeper{command: exec.Command(self)}
	s.command.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", sweeperVariable, os.Getpid(), dir))
	s.command.Stderr = os.Stderr
	s.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C is for the tests
	if s.input, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	return s, s.command.Start()
}

// finish returns when all is gone.
func (s *sweeper) finish() {
	_ = s.input.Close()
	_ = s.command.Wait()
}

// sweep is the sweeper's main function.
func sweep(run string) {
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT) // whoever ends the tests means them
	_, _ = io.Copy(io.Discard, os.Stdin)
	text, dir, _ := strings.Cut(run, " ")
	pid, _ := strconv.Atoi(text)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		left := processesOf(pid)
		for _, p := range left {
			_ = unix.Kill(p, unix.SIGKILL)
		}
		if len(left) == 0 {
			break
		}
	}
	(&daemon{dir: filepath.Join(dir, dockerFolder)}).sweep()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "left behind:", err)
	}
}

// processesOf lists what a run has started under gorun.
func processesOf(run int) []int {
	var found []int
	for _, p := range processes() {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
		for variable := range bytes.SplitSeq(environ, []byte{0}) {
			if bytes.HasPrefix(variable, []byte("GORUN_SCENARIO=")) && bytes.Contains(variable, fmt.Appendf(nil, "-%d-", run)) {
				found = append(found, p.pid)
			}
		}
	}
	return found
}
