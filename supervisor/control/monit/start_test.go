package monit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a terminal.
func openTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = user.Close() })
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return user, program
}

// Everything that gorun does links this package. In version 1, Bubble Tea's init
// asked the terminal for its colours and waited 5 s for an answer.
func TestLinkingBubbleTeaWritesNothingToTheTerminal(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	user, program := openTerminal(t)
	start := exec.Command(self, "-test.run=^$")
	start.Stdin, start.Stdout, start.Stderr = program, program, program
	start.Env = []string{"TERM=xterm-256color"}
	start.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := start.Start(); err != nil {
		t.Fatal(err)
	}
	_ = program.Close()
	output, err := io.ReadAll(user)
	if err != nil && !errors.Is(err, unix.EIO) { // EIO: the other end is closed
		t.Fatal(err)
	}
	if err := start.Wait(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(output), "\x1b") {
		t.Errorf("starting a program writes %q to the terminal", output)
	}
}
