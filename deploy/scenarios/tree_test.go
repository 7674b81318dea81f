//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Case 12.
func TestAChildThatIgnoresTermIsKilledWhenTheGraceEnds(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		const grace = 700 * time.Millisecond
		g := start(t, launch{mode: m, args: []string{"exec", "--grace", grace.String(), "--", workerBinary, "ignore-term"}})
		g.out.next(t, "^ready")
		sent := time.Now()
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 137)
		if took := g.endedAt.Sub(sent); took < grace {
			t.Errorf("gorun ended %v after SIGTERM, before the grace of %v was over", took, grace)
		}
	})
}

// Case 12: without --grace, gorun waits for the child as tini does.
func TestWithoutAGraceGorunWaitsForItsChild(t *testing.T) {
	t.Parallel()
	g := start(t, launch{args: execArgs("on-term", "5", "9s")})
	g.out.next(t, "^ready")
	g.signal(t, unix.SIGTERM)
	wantCode(t, g, 5)
	if !g.out.has("leaving") {
		t.Error("the child was not allowed to finish")
	}
}

// Case 12, with a file.
func TestAWorkerThatIgnoresTermIsKilledAfterItsKillTimeout(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		const timeout = 700 * time.Millisecond
		g := start(t, fileLaunch(t, m, service("stubborn", "ignore-term").with("kill_timeout", "700ms")))
		g.out.next(t, "^ready")
		sent := time.Now()
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
		if took := g.endedAt.Sub(sent); took < timeout {
			t.Errorf("gorun ended %v after SIGTERM, before its kill_timeout of %v was over", took, timeout)
		}
		if !g.err.has("killed") {
			t.Errorf("gorun does not say that it killed the worker:\n%s", g.err.text())
		}
	})
}

// Case 13.
func TestTermReachesTheWholeTree(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: []string{"exec", "--", "/bin/sh", "-c", "sleep 1000 & sleep 1000 & echo ready; wait"}})
		g.out.next(t, "^ready")
		eventually(t, "a shell and two sleeps", func() bool { return len(processesWith(g.marker)) == 4 })
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 143)
	})
}

// Case 13.
func TestEveryMemberOfTheTreeGetsASignalOnce(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: execArgs("family-of-receivers", "2")})
		g.out.nth(t, "^ready", 3)
		g.signal(t, unix.SIGUSR2)
		g.out.nth(t, "^got 12$", 3)
		g.signal(t, unix.SIGUSR1)
		g.out.nth(t, "^got 10$", 3)
		if n := g.out.count("^got"); n != 6 {
			t.Errorf("%d deliveries, want two to each of three:\n%s", n, g.out.text())
		}
	})
}

// Case 13: the switch for the child alone.
func TestChildOnlySparesTheRestOfTheTree(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		args := []string{"exec", "--child-only", "--", workerBinary, "family-of-receivers", "2"}
		g := start(t, launch{mode: m, args: args})
		g.out.nth(t, "^ready", 3)
		g.signal(t, unix.SIGTERM)
		g.out.next(t, "^got 15$")
		g.signal(t, unix.SIGWINCH)
		g.out.next(t, "^got 28$")
		if n := g.out.count("^got"); n != 2 {
			t.Errorf("%d deliveries, want two, to the child alone:\n%s", n, g.out.text())
		}
	})
}

// Case 13, with a file: treekill is the default; without it the worker alone
// gets the signal, and the rest goes when it is gone.
func TestStoppingAWorkerEndsItsWholeTree(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		for _, whole := range []bool{true, false} {
			g := start(t, fileLaunch(t, m, service("family", "family", "3").with("treekill", whole).with("kill_timeout", "2s")))
			g.out.nth(t, "^ready", 4)
			g.signal(t, unix.SIGTERM)
			wantCode(t, g, 0)
		}
	})
}

// Case 14.
func TestADaemonisedGrandchildIsWaitedForWithinTheGrace(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: execArgs("daemon", "linger", "on-term", "1", "3s")})
		g.out.next(t, "^ready")
		wantCode(t, g, 0)
		if !g.out.has("leaving") {
			t.Error("the grandchild was not allowed to finish")
		}
	})
}

// Case 14: the end of the grace.
func TestAGrandchildThatIgnoresTermIsKilledWhenTheGraceEnds(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		const grace = 500 * time.Millisecond
		args := []string{"exec", "--grace", grace.String(), "--", workerBinary, "daemon", "linger", "ignore-term"}
		g := start(t, launch{mode: m, args: args})
		g.out.next(t, "^ready")
		wantCode(t, g, 0)
		if took := g.endedAt.Sub(g.startAt); took < grace {
			t.Errorf("gorun ended after %v, before the grace of %v was over", took, grace)
		}
	})
}

// Case 15: gorun waits for none of its own delays. How long it takes is measured in
// bench.
func TestGorunLeavesAtOnceWhenNothingIsLeft(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		for name, l := range map[string]launch{
			"exec": {mode: m, args: []string{"exec", "--grace", "1h", "--", workerBinary, "on-term", "0"}},
			"file": fileLaunch(t, m, job("job", "on-term", "0").with("kill_timeout", "1h").with("restart_delay", "1h")),
		} {
			t.Run(name, func(t *testing.T) {
				g := start(t, l)
				g.out.next(t, "^ready")
				if err := unix.Kill(onlyChild(t, g.pid), unix.SIGTERM); err != nil {
					t.Fatal(err)
				}
				wantCode(t, g, 0)
			})
		}
	})
}

// Case 16.
func TestAGrandchildInASessionOfItsOwnIsEndedToo(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		t.Run("exec, by a signal", func(t *testing.T) {
			g := start(t, launch{mode: m, args: execArgs("daemon", "stay", "sleep")})
			g.out.nth(t, "^ready", 2)
			g.signal(t, unix.SIGTERM)
			wantCode(t, g, 143)
		})
		t.Run("exec, at the child's end", func(t *testing.T) {
			g := start(t, launch{mode: m, args: execArgs("daemon", "linger", "sleep")})
			wantCode(t, g, 0)
		})
		t.Run("exec, although it ignores SIGTERM", func(t *testing.T) {
			args := []string{"exec", "--grace", "300ms", "--", workerBinary, "daemon", "stay", "ignore-term"}
			g := start(t, launch{mode: m, args: args})
			g.out.nth(t, "^ready", 2)
			g.signal(t, unix.SIGTERM)
			wantCode(t, g, 143)
		})
		t.Run("file", func(t *testing.T) {
			g := start(t, fileLaunch(t, m, service("daemon", "daemon", "stay", "sleep")))
			g.out.nth(t, "^ready", 2)
			g.signal(t, unix.SIGTERM)
			wantCode(t, g, 0)
		})
	})
}

// Case 16, with a file: a restart leaves nothing of the run before.
func TestARestartedWorkersDaemonIsEndedWithIt(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, service("daemon", "daemon", "stay", "sleep").with("min_uptime", 0)))
		g.out.nth(t, "^ready", 2)
		head := running(t, g.marker, "daemon", "stay", "sleep")
		grandchild := running(t, g.marker, "sleep")
		if err := unix.Kill(head, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		g.out.nth(t, "^ready", 4)
		eventually(t, "the end of the first run's grandchild", func() bool { return !exists(grandchild) })
	})
}

// Case 25.
func TestAGrandchildThatHoldsStdoutOpenDoesNotDelayGorun(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		// A process outside of gorun's tree holds the writing end, too.
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = read.Close(), write.Close() }()
		g := start(t, launch{mode: m, stdout: write, args: execArgs("exit", "8")})
		if code := g.wait(t); code != 8 {
			t.Errorf("exit code %d, want 8", code)
		}
	})
}

// Case 25, with a file: gorun reads the workers' output, and somebody whom it
// cannot end holds the pipe.
func TestAnotherProcessThatHoldsAWorkersOutputDoesNotDelayGorun(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, job("job", "on-term", "9")))
		g.out.next(t, "^ready")
		child := onlyChild(t, g.pid)
		held, err := os.OpenFile("/proc/"+strconv.Itoa(child)+"/fd/1", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = held.Close() }()
		if err := unix.Kill(child, unix.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code := g.wait(t); code != 9 {
			t.Errorf("exit code %d, want 9\n%s", code, g.report())
		}
		if !g.out.has("leaving") {
			t.Error("the worker's last line is missing")
		}
	})
}
