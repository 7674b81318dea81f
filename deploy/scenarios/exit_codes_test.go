//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Row: SIGTERM, SIGINT, SIGQUIT handled.
func TestAnOrderlyStopEndsWith0(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT} {
			// The workers' own codes do not matter then.
			g := start(t, fileLaunch(t, m, service("a", "on-term", "3"), service("b", "sleep")))
			g.out.nth(t, "^ready", 2)
			g.signal(t, sig)
			wantCode(t, g, 0)
		}
	})
}

// Row: SIGTERM; what waits for its restart or never came online is stopped, too.
func TestAnOrderlyStopEndsWith0WhileAWorkerWaitsForItsRestart(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, service("crasher", "crash-after", "0s", "9").with("restart_delay", "1h")))
		g.err.next(t, "worker exited")
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
	})
}

// Row: every app ended well.
func TestJobsThatAllEndedWellEndWith0AtOnce(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		jobs := [][]string{{"exit", "0"}, {"crash-after", "300ms", "0"}}
		g := start(t, fileLaunch(t, m, job("a", jobs[0]...), job("b", jobs[1]...)))
		wantCode(t, g, 0)
		// What the same jobs take one after the other, on this machine at this moment.
		var alone time.Duration
		for _, args := range jobs {
			begun := time.Now()
			if err := exec.Command(workerBinary, args...).Run(); err != nil {
				t.Fatal(err)
			}
			alone += time.Since(begun)
		}
		if took := g.endedAt.Sub(g.startAt); took > 10*alone {
			t.Errorf("gorun took %v for jobs that take %v without it", took, alone)
		}
	})
}

// Row: every app ended well: a code in stop_exit_codes is meant.
func TestAStopExitCodeEndsWith0(t *testing.T) {
	t.Parallel()
	g := start(t, fileLaunch(t, subreaper, service("a", "exit", "42").with("stop_exit_codes", []int{42})))
	if code := g.wait(t); code != 0 && code != 42 {
		t.Errorf("exit code %d", code)
	}
}

// Row: every app ended, and one failed.
func TestTheFirstFailureOfAllIsTheCode(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, job("fine", "exit", "0"),
			job("late", "crash-after", "600ms", "8"), job("first", "crash-after", "50ms", "7"), job("last", "crash-after", "1s", "0")))
		wantCode(t, g, 7)
	})
}

// Row: every app ended, and one was ended by a signal.
func TestAJobThatASignalEndedGives128PlusIt(t *testing.T) {
	t.Parallel()
	g := start(t, fileLaunch(t, subreaper, job("fine", "exit", "0"), job("killed", "die", "11")))
	wantCode(t, g, 139)
}

// Row: every app ended, and one gave up.
func TestAnAppThatGaveUpGivesItsCode(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		crasher := service("crasher", "exit", "13").with("max_restarts", 3).with("exp_backoff_restart_delay", 10)
		g := start(t, fileLaunch(t, m, crasher, job("fine", "exit", "0")))
		wantCode(t, g, 13)
		g.err.all(t)
		if n := g.err.count("worker exited.*crasher"); n != 4 {
			t.Errorf("%d runs, want 4", n)
		}
	})
}

// Row: every app ended, and one could not be started any more.
func TestAScriptThatVanishesGives127(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "worker")
	writeFile(t, script, readText(t, workerBinary), 0o755)
	vanishing := service("vanishing", "crash-after", "200ms", "1").with("script", script).with("max_restarts", 2)
	g := start(t, fileLaunch(t, subreaper, vanishing.with("exp_backoff_restart_delay", 10)))
	g.out.next(t, "^started")
	if err := os.Remove(script); err != nil {
		t.Fatal(err)
	}
	wantCode(t, g, 127)
}

// Row: bad file, missing script, unknown option.
func TestBadInputEndsWith2BeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	writeFile(t, bad, "apps: [{name: a, script: /bin/true, instances: abc}]\n", 0o644)
	broken := filepath.Join(dir, "broken.json")
	writeFile(t, broken, `{"apps": [`, 0o644)
	lost := service("lost", "exit", "0").with("script", filepath.Join(dir, "lost.sh"))
	for name, args := range map[string][]string{
		"no such file":     {filepath.Join(dir, "none.yaml")},
		"bad value":        {bad},
		"broken syntax":    {broken},
		"missing script":   {ecosystem(t, service("fine", "emit", "both"), lost)},
		"unknown option":   {ecosystem(t, service("fine", "emit", "both")), "--no-such-option"},
		"bad option value": {ecosystem(t, service("fine", "emit", "both")), "--instances", "abc"},
		"unknown --only":   {ecosystem(t, service("fine", "emit", "both")), "--only", "nobody"},
		"check":            {"check", bad},
		"exec, no command": {"exec"},
		"exec, bad option": {"exec", "--no-such-option", "--", "/bin/true"},
		"exec, bad grace":  {"exec", "--grace", "abc", "--", "/bin/true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if args[0] != "check" && args[0] != "exec" {
				args = append(args, "--no-web")
			}
			g := start(t, launch{args: args})
			wantCode(t, g, 2)
			text := g.err.all(t) + g.out.all(t)
			if strings.Contains(text, "to stdout") {
				t.Error("a worker was started")
			}
			if strings.TrimSpace(text) == "" {
				t.Error("not a word about why")
			}
		})
	}
}

// Row: a second SIGTERM or SIGINT. Case 32.
func TestASecondTermKillsAtOnceAndEndsWith137(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		for _, second := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
			g := start(t, fileLaunch(t, m, service("stubborn", "ignore-term").with("kill_timeout", "1h")))
			g.out.next(t, "^ready")
			g.signal(t, unix.SIGTERM)
			g.err.next(t, "stopping")
			// Two signals within a moment are one wish: timeout(1) sends both.
			<-time.After(100 * time.Millisecond)
			g.signal(t, second)
			wantCode(t, g, 137)
		}
	})
}

// The note: `waiting restart` and `stopping` are not "ended".
func TestAnAppThatWaitsForItsRestartHasNotEnded(t *testing.T) {
	t.Parallel()
	g := start(t, fileLaunch(t, subreaper,
		service("again", "crash-after", "20ms", "1").with("restart_delay", "300ms").with("max_restarts", 2), job("fine", "exit", "0")))
	g.out.nth(t, "^started", 3)
	wantCode(t, g, 1)
}

// The note: --no-auto-exit keeps gorun running.
func TestNoAutoExitKeepsGorunRunning(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		l := webLaunch(t, m, job("done", "exit", "5"))
		l.args = append(l.args, "--no-auto-exit")
		g := start(t, l)
		g.awaitMetric(t, 5, "gorun_worker_last_exit_code", `app="done"`)
		<-time.After(300 * time.Millisecond)
		if !g.running() {
			t.Fatalf("gorun ended with %d", g.code)
		}
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
	})
}
