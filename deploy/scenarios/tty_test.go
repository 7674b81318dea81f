//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is our side of a pseudo terminal.
type terminal struct {
	master *os.File
	screen *output
	slave  *os.File
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		missing(t, err.Error())
	}
	var number int
	control(t, master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	tty := &terminal{master: master, slave: slave, screen: newOutput()}
	go tty.screen.collect(master)
	t.Cleanup(func() { _, _ = master.Close(), slave.Close() })
	return tty
}

// control keeps the file in the poller, unlike Fd: Close then ends a Read.
func control(t *testing.T, file *os.File, f func(fd int) error) {
	t.Helper()
	raw, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var result error
	if err := raw.Control(func(fd uintptr) { result = f(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	if result != nil {
		t.Fatal(result)
	}
}

// launch makes the terminal gorun's controlling one.
func (tty *terminal) launch(m mode, args ...string) launch {
	return launch{
		mode: m, args: args, stdin: tty.slave, stdout: tty.slave, stderr: tty.slave,
		attributes: func(attr *syscall.SysProcAttr) { attr.Setsid, attr.Setctty = true, true },
	}
}

func (tty *terminal) write(t *testing.T, text string) {
	t.Helper()
	if _, err := tty.master.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// start starts gorun on a terminal and closes our copy of gorun's side.
func (tty *terminal) start(t *testing.T, l launch) *gorun {
	t.Helper()
	g := start(t, l)
	_ = tty.slave.Close()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the terminal shows:\n%s", tty.screen.text())
		}
	})
	return g
}

// Case 27.
func TestALineOfTheTerminalReachesTheChildAndItsAnswerComesBack(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		tty := openTerminal(t)
		g := tty.start(t, tty.launch(m, execArgs("cat", "3")...))
		tty.screen.next(t, "ready")
		tty.write(t, "a line\n")
		tty.screen.nth(t, "a line", 2) // the echo and the answer
		tty.write(t, "\x04")
		wantCode(t, g, 3)
	})
}

// Case 27.
func TestControlCEndsTheChildWith130(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		for name, command := range map[string][]string{
			"direct":          {workerBinary, "sleep"},
			"through a shell": {"/bin/sh", "-c", workerBinary + " sleep; exit 5"},
		} {
			t.Run(name, func(t *testing.T) {
				tty := openTerminal(t)
				g := tty.start(t, tty.launch(m, append([]string{"exec", "--"}, command...)...))
				tty.screen.next(t, "ready")
				tty.write(t, "\x03")
				wantCode(t, g, 130)
			})
		}
	})
}

// Case 27: the child has a process group of its own, or it would get two.
func TestControlCReachesTheChildOnce(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		tty := openTerminal(t)
		g := tty.start(t, tty.launch(m, execArgs(receiverArgs()...)...))
		tty.screen.next(t, "ready")
		tty.write(t, "\x03")
		tty.screen.next(t, "got 2\\b")
		g.signal(t, unix.SIGUSR1)
		tty.screen.next(t, "got 10\\b")
		if n := tty.screen.count("got 2\\b"); n != 1 {
			t.Errorf("one Ctrl-C, and %d SIGINT", n)
		}
	})
}

// Case 27.
func TestOneWinchArrivesPerResize(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		tty := openTerminal(t)
		g := tty.start(t, tty.launch(m, execArgs(receiverArgs()...)...))
		tty.screen.next(t, "ready")
		for i := range 5 {
			size := &unix.Winsize{Row: uint16(20 + i), Col: 100} //nolint:gosec // small
			control(t, tty.master, func(fd int) error { return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) })
			tty.screen.nth(t, "got 28\\b", i+1)
		}
		g.signal(t, unix.SIGUSR1)
		tty.screen.next(t, "got 10\\b")
		if n := tty.screen.count("got 28\\b"); n != 5 {
			t.Errorf("5 resizes, and %d SIGWINCH", n)
		}
	})
}

// Case 27.
func TestAHangUpEndsGorunWith129(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		tty := openTerminal(t)
		g := tty.start(t, tty.launch(m, execArgs("sleep")...))
		tty.screen.next(t, "ready")
		if err := tty.master.Close(); err != nil {
			t.Fatal(err)
		}
		wantCode(t, g, 129)
	})
}

// Case 27: job control of a shell under gorun.
func TestAShellUnderGorunHasJobControl(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		tty := openTerminal(t)
		l := tty.launch(m, "exec", "--", "/bin/sh", "-i")
		l.env = []string{"PS1=prompt> ", "ENV=", "TERM=dumb"}
		g := tty.start(t, l)
		tty.screen.next(t, "prompt> ")
		tty.write(t, workerBinary+" sleep\n")
		tty.screen.next(t, "^ready")
		tty.write(t, "\x1a")
		tty.screen.next(t, "(?i)stopped|suspended")
		tty.write(t, "kill %1; echo con''tinued; fg >/dev/null 2>&1; exit 4\n")
		tty.screen.next(t, "continued\r?$")
		wantCode(t, g, 4)
		if tty.screen.has("job control turned off") {
			t.Error("the shell has no job control")
		}
	})
}

// Case 27.
func TestTheTerminalIsGivenBackAfterwards(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		if m == pid1 {
			t.Skip("nobody is left in a PID namespace whose first process ended")
		}
		tty := openTerminal(t)
		g := start(t, launch{
			args:  []string{"exec", "--", "/bin/true"},
			stdin: tty.slave, stdout: tty.slave, stderr: tty.slave,
			attributes: func(attr *syscall.SysProcAttr) { attr.Setsid, attr.Setctty = true, true },
			around:     []string{"/bin/sh", "-c", `"$@"; "$@"; echo done; read line; echo "read: $line"`, "sh"},
		})
		_ = tty.slave.Close()
		tty.screen.next(t, "^done")
		tty.write(t, "from the keyboard\n")
		tty.screen.next(t, "^read: from the keyboard")
		wantCode(t, g, 0)
	})
}

// Case 27: a terminal on stdin that is not the controlling one cannot be given
// to the child.
func TestATerminalThatCannotBeGivenAwayIsAWarningAtMost(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		tty := openTerminal(t)
		g := tty.start(t, launch{
			mode: m, args: execArgs("cat", "3"), stdin: tty.slave,
			attributes: func(attr *syscall.SysProcAttr) { attr.Setsid = true },
		})
		g.out.next(t, "^ready")
		tty.write(t, "a line\n\x04")
		g.out.next(t, "^a line$")
		wantCode(t, g, 3)
		if lines := slices.Collect(strings.Lines(g.err.text())); len(lines) > 1 {
			t.Errorf("more than a warning: %q", lines)
		}
	})
}

// Case 27: gorun in the background of its terminal starts its child there and
// is not stopped for it.
func TestGorunInTheBackgroundOfATerminalIsNotStopped(t *testing.T) {
	t.Parallel()
	tty := openTerminal(t)
	g := start(t, launch{
		args: execArgs("exit", "6"), stdin: tty.slave,
		attributes: func(attr *syscall.SysProcAttr) { attr.Setsid, attr.Setctty = true, true },
		around:     []string{"/bin/sh", "-c", `set -m; "$@" <&0 & wait $!; echo "code $?"`, "sh"},
	})
	_ = tty.slave.Close()
	g.out.next(t, "^code 6$")
	wantCode(t, g, 0)
}

// Case 27, with a file: Ctrl-C stops everything in order, and once.
func TestControlCStopsTheWorkersOfAFile(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		tty := openTerminal(t)
		g := tty.start(t, tty.launch(m, ecosystem(t, service("app", "on-term", "0")), "--no-web"))
		tty.screen.next(t, "ready \\d+")
		tty.write(t, "\x03")
		wantCode(t, g, 0)
		_ = tty.screen.all(t)
		if n := tty.screen.count("got (2|15)\\b"); n != 1 {
			t.Errorf("the worker got %d signals, want one", n)
		}
	})
}
