package monit

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const asUI = "GORUN_TEST_MONIT" // the test binary is the monitor

func TestMain(m *testing.M) {
	if os.Getenv(asUI) == "" {
		os.Exit(m.Run())
	}
	fake := &fake{}
	err := Run(context.Background(), Options{Source: fake, Operator: fake, In: os.Stdin, Out: os.Stdout, Color: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// tmux is a server of its own with one terminal.
type tmux struct{ socket string }

// newTmux runs the shell command in a terminal of 100 × 30.
func newTmux(t *testing.T, command string) tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no tmux, and CI=true")
		}
		t.Skip("no tmux")
	}
	s := tmux{filepath.Join(t.TempDir(), "s")}
	t.Cleanup(func() { _, _ = s.try("kill-server") })
	s.run(t, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", command)
	return s
}

func (s tmux) try(args ...string) (string, error) {
	out, err := exec.Command("tmux", append([]string{"-u", "-S", s.socket}, args...)...).CombinedOutput()
	return string(out), err
}

func (s tmux) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.try(args...)
	if err != nil {
		t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return out
}

// shows waits until the terminal shows the text.
func (s tmux) shows(t *testing.T, text string) {
	t.Helper()
	var view string
	eventually(t, func() bool {
		view, _ = s.try("capture-pane", "-p")
		return strings.Contains(view, text)
	}, func() string { return fmt.Sprintf("want %q in\n%s", text, view) })
}

func eventually(t *testing.T, done func() bool, complaint func() string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(complaint())
		}
	}
}

func TestInARealTerminal(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code := filepath.Join(t.TempDir(), "code")
	s := newTmux(t, fmt.Sprintf("echo before; %s=1 '%s'; echo $? > '%s'; stty -a | grep -c '[ ]icanon' >> '%s'; exec cat", asUI, self, code, code))
	s.shows(t, "hello from worker 0")
	s.shows(t, "gorun 1.4.0  3 of 4 ready  2 apps  pid 1")
	s.run(t, "send-keys", "Down", "j")
	s.shows(t, "▸ api/2")
	s.shows(t, "hello from worker 2")
	s.run(t, "send-keys", "R")
	s.shows(t, "restart api? y/n")
	s.run(t, "send-keys", "y")
	s.shows(t, "✓ did restart api")
	s.run(t, "resize-window", "-x", "50", "-y", "12")
	s.shows(t, "q quit  ↑↓ select  r reload  R restart")
	s.run(t, "send-keys", "q")
	eventually(t, func() bool {
		text, _ := os.ReadFile(code)
		return bytes.Equal(text, []byte("0\n1\n"))
	}, func() string {
		text, _ := os.ReadFile(code)
		return fmt.Sprintf("exit code and cooked terminals = %q, want 0 and 1", text)
	})
	s.shows(t, "before") // the page from before is back
}

func TestRunNeedsATerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = null.Close() })
	if err := Run(t.Context(), Options{In: null, Out: null}); err == nil || !strings.Contains(err.Error(), "terminal") {
		t.Errorf("Run without a terminal = %v, want an error that says so", err)
	}
}
