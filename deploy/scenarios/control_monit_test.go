//go:build scenarios

package scenarios_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// screen is a terminal of 100 × 30 in a tmux of its own.
type screen struct{ socket string }

func openScreen(t *testing.T, command string) screen {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		missing(t, "no tmux here")
	}
	s := screen{filepath.Join(openDir(t), "tmux")}
	t.Cleanup(func() { _, _ = s.tmux("kill-server") })
	if out, err := s.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", command); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	return s
}

func (s screen) tmux(args ...string) (string, error) {
	out, err := exec.Command("tmux", append([]string{"-u", "-S", s.socket}, args...)...).CombinedOutput()
	return string(out), err
}

// shows waits until the terminal shows all of these.
func (s screen) shows(t *testing.T, words ...string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		view, err := s.tmux("capture-pane", "-p")
		if containsAll(view, words) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the terminal does not show %q (%v):\n%s", words, err, view)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s screen) press(t *testing.T, keys ...string) {
	t.Helper()
	if out, err := s.tmux(append([]string{"send-keys"}, keys...)...); err != nil {
		t.Fatalf("tmux send-keys: %v\n%s", err, out)
	}
}

func TestMonitShowsAndReloads(t *testing.T) {
	t.Parallel()
	g := town(t)
	code := filepath.Join(g.site.dir, "code")
	s := openScreen(t, "GORUN_SOCKET='"+g.site.socket+"' '"+gorunBinary+"' monit; echo $? > '"+code+"'; exec cat")
	s.shows(t, "api/0", "api/1", "tick", "3 of 3 ready")
	before := g.members(t)
	s.press(t, "r") // the first one is selected
	eventually(t, "api is reloaded", func() bool { return changed(before, g.members(t)) == "api/0 api/1" })
	s.shows(t, "reload")
	s.press(t, "q")
	eventually(t, "monit ends with 0", func() bool {
		out, _ := exec.Command("cat", code).Output()
		return strings.TrimSpace(string(out)) == "0"
	})
	if !g.running() {
		t.Error("gorun has ended with its monitor")
	}
}
