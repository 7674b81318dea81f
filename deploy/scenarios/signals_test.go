//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// receiverArgs is a worker that reports each signal that arrives.
func receiverArgs() []string {
	return []string{"stage", "-block", "all", "--", workerBinary, "signals"}
}

// Case 6.
func TestEverySignalReachesTheChildExactlyOnce(t *testing.T) {
	t.Parallel()
	signals := []syscall.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGTERM,
		unix.SIGWINCH, unix.SIGCONT, unix.SIGALRM,
	}
	for n := 35; n <= 64; n++ {
		signals = append(signals, syscall.Signal(n))
	}
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: execArgs(receiverArgs()...)})
		g.out.next(t, "^ready")
		for _, sig := range signals {
			g.signal(t, sig)
			awaitSignal(t, g, sig)
		}
		// A second delivery would be on its way: let a whole round trip pass it.
		g.signal(t, unix.SIGUSR1)
		g.out.nth(t, "^got 10$", 2)
		for _, sig := range signals {
			want := 1
			if sig == unix.SIGUSR1 {
				want = 2
			}
			if n := g.out.count(fmt.Sprintf("^got %d$", sig)); n != want {
				t.Errorf("signal %d was sent %d times and arrived %d times", sig, want, n)
			}
		}
		if !g.running() {
			t.Error("gorun did not survive")
		}
	})
}

// Case 6: 34, the first real-time signal a program may use, kills a Go program
// that does not take care.
func TestSignal34ReachesTheChildExactlyOnce(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: execArgs(receiverArgs()...)})
		g.out.next(t, "^ready")
		g.signal(t, 34)
		awaitSignal(t, g, 34)
		g.signal(t, unix.SIGUSR1)
		g.out.next(t, "^got 10$")
		if n := g.out.count("^got 34$"); n != 1 {
			t.Errorf("signal 34 arrived %d times", n)
		}
	})
}

// awaitSignal fails with what matters when a signal does not arrive.
func awaitSignal(t *testing.T, g *gorun, sig syscall.Signal) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for g.out.count(fmt.Sprintf("^got %d$", sig)) == 0 {
		if !g.running() {
			t.Fatalf("signal %d ended gorun with %d", sig, g.code)
		}
		if time.Now().After(deadline) {
			t.Errorf("signal %d did not arrive", sig)
			return
		}
		<-time.After(time.Millisecond)
	}
}

// Case 6, with a file: what is not gorun's own goes to the workers.
func TestSignalsThatAreNotGorunsOwnReachTheWorkersOfAFile(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, service("a", receiverArgs()...), service("b", receiverArgs()...)))
		g.out.nth(t, "^ready", 2)
		for _, sig := range []syscall.Signal{unix.SIGUSR1, unix.SIGWINCH, unix.SIGCONT, unix.SIGALRM, 40} {
			g.signal(t, sig)
			g.out.nth(t, fmt.Sprintf("^got %d$", sig), 2)
		}
		if got := g.out.count("^got"); got != 10 {
			t.Errorf("%d signals arrived, want each of 5 in each of 2 workers:\n%s", got, g.out.text())
		}
	})
}

// Case 7. Not parallel: it counts wake-ups.
func TestAnIdleGorunSendsNothingAndSleeps(t *testing.T) {
	long(t)
	for name, l := range map[string]func(m mode) launch{
		"exec": func(m mode) launch { return launch{mode: m, args: execArgs(receiverArgs()...)} },
		"file": func(m mode) launch { return fileLaunch(t, m, service("app", receiverArgs()...)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, m mode) {
				t.Parallel()
				g := start(t, l(m))
				g.out.next(t, "^ready")
				// A worker is online after a moment; the runtime gives memory back for some seconds.
				if woke := sleeps(t, g, 3*time.Second); woke > 1 {
					t.Errorf("gorun wakes up again and again at rest: %d times in 3 s", woke)
				}
				if got := g.out.count("^got"); got != 0 {
					t.Errorf("an idle gorun sent signals:\n%s", g.out.text())
				}
			})
		})
	}
}

// sleeps waits until gorun has woken up at most once in the time, and returns how
// often it last did. It gives up after a minute.
func sleeps(t *testing.T, g *gorun, d time.Duration) (woke int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		before := wakeUps(t, g.pid)
		<-time.After(d)
		if woke = wakeUps(t, g.pid) - before; woke <= 1 {
			break
		}
	}
	return woke
}

// Case 8.
func TestChildSignalsFromOutsideAreNotForwarded(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: execArgs(receiverArgs()...)})
		g.out.next(t, "^ready")
		g.signal(t, unix.SIGCHLD)
		g.signal(t, unix.SIGUSR1)
		g.out.next(t, "^got 10$")
		if g.out.count("^got 17$") != 0 {
			t.Error("a SIGCHLD from outside reached the child")
		}
	})
}

// Case 9.
func TestStopSignalsStopTheChildAndNeverGorun(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		for _, sig := range []syscall.Signal{unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU} {
			t.Run(unix.SignalName(sig), func(t *testing.T) {
				g := start(t, launch{mode: m, args: execArgs("on-term", "3")})
				g.out.next(t, "^ready")
				child := onlyChild(t, g.pid)
				g.signal(t, sig)
				eventually(t, "the child stops", func() bool { return stateOf(child) == "T" })
				if state := stateOf(g.pid); state == "T" {
					t.Errorf("gorun itself is stopped")
				}
				g.signal(t, unix.SIGCONT)
				eventually(t, "the child resumes", func() bool { return stateOf(child) != "T" })
				g.signal(t, unix.SIGTERM)
				wantCode(t, g, 3)
			})
		}
	})
}

// Case 10.
func TestRewrittenSignalsArriveAsMappedOrNotAtAll(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"repeated":      {"--rewrite", "TERM=QUIT", "--rewrite", "INT=0"},
		"list":          {"--rewrite", "TERM=QUIT,INT=0"},
		"long names":    {"--rewrite", "SIGTERM=SIGQUIT", "--rewrite=SIGINT=0"},
		"numbers":       {"--rewrite", "15=3,2=0"},
		"mixed, spaced": {"--rewrite", "TERM=3", "--rewrite", "2=0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, m mode) {
				args := slices.Concat([]string{"exec"}, flags, []string{"--", workerBinary}, receiverArgs())
				g := start(t, launch{mode: m, args: args})
				g.out.next(t, "^ready")
				g.signal(t, unix.SIGINT)
				g.signal(t, unix.SIGTERM)
				g.out.next(t, "^got 3$")
				g.signal(t, unix.SIGUSR1)
				g.out.next(t, "^got 10$")
				if got := strings.Count(g.out.text(), "got"); got != 2 {
					t.Errorf("INT and TERM should arrive as nothing and QUIT, got:\n%s", g.out.text())
				}
			})
		})
	}
}

// Case 10: a mistake in it is told, and nothing starts.
func TestAWrongRewriteIsRefused(t *testing.T) {
	t.Parallel()
	for _, rewrite := range []string{"NOSUCH=TERM", "TERM", "TERM=99", "=QUIT"} {
		g := start(t, launch{args: []string{"exec", "--rewrite", rewrite, "--", workerBinary, "emit", "both"}})
		wantCode(t, g, 2)
		if g.out.text() != "" {
			t.Errorf("--rewrite %s: the command was started", rewrite)
		}
	}
}

// Case 11, as an ordinary process: from the first moment on, SIGTERM ends
// gorun: with the kernel's help before its handlers exist, in order later.
func TestATermInTheFirstMillisecondsIsNeverLost(t *testing.T) {
	t.Parallel()
	repeat(t, 300, func(t *testing.T, i int) {
		g := start(t, launch{args: execArgs("sleep")})
		<-time.After(time.Duration(i%51) * 100 * time.Microsecond)
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 143)
	})
}

// Case 11, as PID 1. What is sent before Go's runtime has installed its
// handlers is dropped by the kernel, blocked or not: the runtime unblocks
// SIGTERM first. From then on the signal ends gorun: before main has asked for
// it, with the runtime's own 2, because a PID 1 cannot die of a signal; later,
// with the child's 143.
func TestATermToPid1IsNeverLostOnceItHasHandlers(t *testing.T) {
	t.Parallel()
	requireMode(t, pid1)
	var early, orderly atomic.Int64
	t.Cleanup(func() { t.Logf("%d ended before main had asked, %d in order", early.Load(), orderly.Load()) })
	repeat(t, 300, func(t *testing.T, i int) {
		g := start(t, launch{mode: pid1, args: execArgs("sleep")})
		awaitExec(t, g)
		for g.running() && !handles(t, g.pid, unix.SIGTERM) {
		}
		<-time.After(time.Duration(i%51) * 100 * time.Microsecond)
		g.signal(t, unix.SIGTERM)
		switch code := g.wait(t); code {
		case 143:
			orderly.Add(1)
		case 2:
			early.Add(1)
		default:
			t.Errorf("gorun's exit code is %d, want 143\n%s", code, g.report())
		}
	})
}

// awaitExec waits until the stage has become gorun.
func awaitExec(t *testing.T, g *gorun) {
	t.Helper()
	name := gorunBinary[strings.LastIndexByte(gorunBinary, '/')+1:]
	deadline := time.Now().Add(patience)
	for g.running() {
		if p, _ := readProcess(fmt.Sprintf("/proc/%d", g.pid)); p.name == name {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s in process %d", name, g.pid)
		}
	}
}

func handles(t *testing.T, pid int, sig syscall.Signal) bool {
	t.Helper()
	var caught uint64
	if _, err := fmt.Sscanf(statusField(t, pid, "SigCgt"), "%x", &caught); err != nil {
		t.Fatal(err)
	}
	return caught&(1<<(sig-1)) != 0
}

// Case 24.
func TestAStoppedChildIsNotTakenForAnEndedOne(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: execArgs("on-term", "4")})
		g.out.next(t, "^ready")
		child := onlyChild(t, g.pid)
		for _, sig := range []syscall.Signal{unix.SIGSTOP, unix.SIGCONT, unix.SIGSTOP, unix.SIGCONT} {
			if err := unix.Kill(child, sig); err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{true: "T", false: "S"}[sig == unix.SIGSTOP]
			eventually(t, "the child is "+want, func() bool { return stateOf(child) == want })
		}
		if !g.running() {
			t.Fatalf("gorun ended with %d when its child was stopped", g.code)
		}
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 4)
	})
}
