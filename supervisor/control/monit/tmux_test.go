package monit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const asUI = "GORUN_TEST_MONIT" // the test binary is the monitor and writes its pid to this file

func TestMain(m *testing.M) {
	if os.Getenv(asUI) == "" {
		os.Exit(m.Run())
	}
	os.Exit(runUI(os.Getenv(asUI)))
}

func runUI(pidFile string) int {
	ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer cancel()
	err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())), 0o600)
	if err == nil {
		fake := &fake{}
		err = Run(ctx, Options{Source: fake, Operator: fake, In: os.Stdin, Out: os.Stdout, Environ: os.Environ(), Color: true})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
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

// ui is the monitor in a real terminal.
type ui struct {
	tmux
	dir string
}

func openUI(t *testing.T) ui {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	u := ui{dir: t.TempDir()}
	u.tmux = newTmux(t, fmt.Sprintf("cd '%s'; echo before; stty -g > found; %s=pid '%s'; echo $? > code; stty -g > left; touch done; exec cat", u.dir, asUI, self))
	u.shows(t, "hello from worker 0")
	return u
}

func (u ui) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(u.dir, name))
	return strings.TrimSpace(string(text))
}

// restored checks that the monitor ends with 0 and leaves the terminal as it was.
func (u ui) restored(t *testing.T) {
	t.Helper()
	done := filepath.Join(u.dir, "done")
	eventually(t, func() bool {
		_, err := os.Stat(done)
		return err == nil
	}, func() string { return "the monitor does not end" })
	if code := u.read("code"); code != "0" {
		t.Errorf("exit code %s, want 0", code)
	}
	if found, left := u.read("found"), u.read("left"); found != left {
		t.Errorf("the terminal is left as %s, was %s", left, found)
	}
	u.shows(t, "before") // the main screen is back
	modes := u.run(t, "display-message", "-p", "alternate #{alternate_on}, cursor #{cursor_flag}, wrap #{wrap_flag}, mouse #{mouse_any_flag}")
	if want := "alternate 0, cursor 1, wrap 1, mouse 0"; strings.TrimSpace(modes) != want {
		t.Errorf("the terminal is left with %s, want %s", modes, want)
	}
}

func TestInARealTerminal(t *testing.T) {
	u := openUI(t)
	u.shows(t, "gorun 1.4.0  3 of 4 ready  2 apps  pid 1")
	u.run(t, "send-keys", "Down", "j")
	u.shows(t, "▸ api/2")
	u.shows(t, "hello from worker 2")
	u.run(t, "send-keys", "R")
	u.shows(t, "restart api? y/n")
	u.run(t, "send-keys", "y")
	u.shows(t, "✓ did restart api")
	u.run(t, "resize-window", "-x", "50", "-y", "12")
	u.shows(t, "q quit  ↑↓ select  r reload  R restart")
	u.run(t, "send-keys", "q")
	u.restored(t)
}

func TestControlCRestoresTheTerminal(t *testing.T) {
	u := openUI(t)
	u.run(t, "send-keys", "C-c")
	u.restored(t)
}

func TestTheEndOfItsContextRestoresTheTerminal(t *testing.T) {
	u := openUI(t)
	pid, err := strconv.Atoi(u.read("pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	u.restored(t)
}

func TestControlZIsNoKey(t *testing.T) {
	u := openUI(t)
	u.run(t, "send-keys", "C-z", "j")
	u.shows(t, "▸ api/1") // stopped, it would show nothing more
	u.run(t, "send-keys", "q")
	u.restored(t)
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
