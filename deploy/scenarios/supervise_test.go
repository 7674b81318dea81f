//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Case 28: every time, gorun says that the next one comes at once. The ten
// milliseconds of the budget are measured in bench, side by side with pm2.
func TestAKilledWorkerIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, service("app", "crash-after", "1h", "0").with("min_uptime", "100ms").with("restart_delay", 0)))
		for i := 1; i <= 9; i++ {
			g.out.nth(t, `^started`, i)
			<-time.After(150 * time.Millisecond) // beyond min_uptime: a stable run
			if err := unix.Kill(onlyChild(t, g.pid), unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			g.out.nth(t, `^started`, i+1)
			if next := g.err.nth(t, `worker exited.* next=("[^"]*"|\S+)`, i)[1]; compile(`in \d`).MatchString(next) {
				t.Errorf("replacement %d of a stable worker: %s, want it at once", i, next)
			}
		}
	})
}

// Case 28, as the table has it: after 1 s, with the defaults.
func TestAWorkerKilledAfterASecondIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, webLaunch(t, m, service("app", "sleep")))
		g.out.next(t, "^ready")
		<-time.After(1100 * time.Millisecond)
		if err := unix.Kill(onlyChild(t, g.pid), unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		g.out.nth(t, "^ready", 2)
		if next := g.err.next(t, `worker exited.* next=("[^"]*"|\S+)`)[1]; compile(`in [1-9]`).MatchString(next) {
			t.Errorf("a stable worker's replacement: %s, want it at once", next)
		}
		g.awaitMetric(t, 1, "gorun_worker_restarts_total", `app="app"`, `reason="exit"`)
	})
}

// Case 29. Not parallel: it measures processor time.
func TestACrashLoopSlowsDownAndCostsNothing(t *testing.T) {
	long(t)
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, service("crasher", "crash-after", "0s", "1")))
		first := g.out.next(t, `^started (\d+)`)
		cpu := cpuNanoseconds(t, g.pid)
		times := []int64{parse(t, first[1])}
		for i := 2; i <= 10; i++ {
			times = append(times, parse(t, g.out.nth(t, `^started (\d+)`, i)[1]))
		}
		// What gorun says grows: each half as long again, a tenth of jitter either
		// way. Between two starts lies that and the time that the program takes.
		var before time.Duration
		for i := 1; i < len(times); i++ {
			said, err := time.ParseDuration(g.err.nth(t, `worker exited.* next="restart in ([^"]+)"`, i)[1])
			if err != nil {
				t.Fatal(err)
			}
			if said < before*11/10 {
				t.Errorf("delay %d is %v after %v: does not grow", i, said, before)
			}
			if passed := time.Duration(times[i] - times[i-1]); passed < said {
				t.Errorf("delay %d: started after %v, said to be %v", i, passed, said)
			}
			before = said
		}
		used, others := time.Duration(cpuNanoseconds(t, g.pid)-cpu), childrenCPU(t, g.pid)
		t.Logf("%v of processor time beside %v of the workers", used, others)
		if used > 3*others {
			t.Errorf("gorun used %v of processor time, its workers %v: too much for one that waits", used, others)
		}
	})
}

// childrenCPU is the processor time of all children that have been reaped.
func childrenCPU(t *testing.T, pid int) time.Duration {
	t.Helper()
	_, rest, _ := strings.Cut(readText(t, fmt.Sprintf("/proc/%d/stat", pid)), ") ")
	fields := strings.Fields(rest)
	const user, system, tick = 13, 14, 10 * time.Millisecond // cutime and cstime of proc(5), from the state on
	return time.Duration(parse(t, fields[user])+parse(t, fields[system])) * tick
}

func parse(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Case 30.
func TestACriticalAppThatGivesUpEndsTheContainerWithItsCode(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		bad := service("bad", "crash-after", "300ms", "21").with("max_restarts", 2).with("exp_backoff_restart_delay", 10).with("critical", true)
		g := start(t, fileLaunch(t, m, service("good", "on-term", "0"), bad))
		wantCode(t, g, 21)
		if n := g.out.count("^leaving"); n != 1 {
			t.Errorf("the other app was not stopped in order:\n%s", g.out.text())
		}
	})
}

// Case 30.
func TestAnotherAppThatGivesUpIsNamedAndTheRestStaysUp(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		bad := service("bad", "exit", "21").with("max_restarts", 2).with("exp_backoff_restart_delay", 10)
		g := start(t, webLaunch(t, m, service("good", "sleep"), bad))
		g.awaitMetric(t, 1, "gorun_app_workers", `app="bad"`, `state="errored"`)
		eventually(t, "/livez names it", func() bool {
			status, body := g.get(t, "/livez?verbose")
			return status == 503 && strings.Contains(body, "bad")
		})
		status, body := g.get(t, "/health")
		if status != 503 || !strings.Contains(body, "bad") || !strings.Contains(body, "errored") {
			t.Errorf("/health answers %d: %s", status, body)
		}
		if !g.running() {
			t.Errorf("gorun ended with %d", g.code)
		}
		g.awaitMetric(t, 1, "gorun_app_workers", `app="good"`, `state="online"`)
		// Stopped by request then: the failure was told, the stop was orderly.
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
	})
}

// Case 31.
func TestAppsStopInParallelEachWithItsOwnTimeout(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m,
			service("a", "on-term", "0", "2s"), service("b", "ignore-term").with("kill_timeout", "2500ms"),
			service("c", "on-term", "0", "2s").with("instances", 2).with("exec_mode", "fork")))
		g.out.nth(t, "^ready", 4)
		sent := time.Now()
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
		if took := g.endedAt.Sub(sent); took < 2500*time.Millisecond {
			t.Errorf("the stop took %v, want the longest of the timeouts, 2.5 s", took)
		}
		order(t, g.out.text(), "^got", "^got", "^got", "^leaving") // at the same time
		if n := g.out.count("^leaving"); n != 3 {
			t.Errorf("%d workers were allowed to finish, want 3:\n%s", n, g.out.text())
		}
	})
}

// Case 33.
func TestShutdownDelayTurnsReadyzAtOnceAndServesOn(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		file := ecosystemWith(t, map[string]any{"shutdown_delay": "3s"}, service("web", "http", "0"))
		g := start(t, launch{mode: m, args: []string{file, "--web", "127.0.0.1:0", "--log-level", "debug"}})
		address := g.out.next(t, `^listening (\S+)`)[1]
		eventually(t, "readyz", func() bool { status, _ := g.get(t, "/readyz"); return status == 200 })
		sent := time.Now()
		g.signal(t, unix.SIGTERM)
		eventually(t, "/readyz answers 503", func() bool { status, _ := g.get(t, "/readyz"); return status == 503 })
		if status, body := g.get(t, "/livez"); status != 200 {
			t.Errorf("/livez answers %d while draining: %s", status, body)
		}
		served := 0
		for {
			status, body := get(t, "http://"+address)
			if status == 200 {
				served++
				<-time.After(20 * time.Millisecond)
				continue
			}
			if !compile(`worker=web/0 .*to=stopping`).MatchString(g.err.text()) {
				t.Errorf("the worker answers %d (%s) %v after SIGTERM, before gorun stops it", status, body, time.Since(sent))
			}
			break
		}
		wantCode(t, g, 0)
		if took := g.endedAt.Sub(sent); took < 3*time.Second || served == 0 {
			t.Errorf("gorun ended %v after SIGTERM, with a shutdown_delay of 3 s (%d requests served)", took, served)
		}
	})
}

// Case 34.
func TestDependenciesStartInOrderAndStopInReverse(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		l := fileLaunch(t, m,
			service("web", "on-term", "0", "100ms").with("depends_on", map[string]string{"migrate": "completed", "cache": "online"}),
			job("migrate", "crash-after", "200ms", "0").with("depends_on", []string{"cache"}),
			service("cache", "on-term", "0", "100ms"))
		l.args = append(l.args, "--formatted", "--log-level", "debug")
		g := start(t, l)
		g.out.next(t, `web +\| ready`)
		g.err.next(t, `worker=migrate/0 .*to=launching`)
		order(t, g.err.text(), `worker=cache/0 .*to=online`, `worker=migrate/0 .*to=launching`)
		order(t, g.out.text(), `migrate +\| started`, `web +\| ready`)
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
		order(t, g.out.all(t), `web +\| got`, `web +\| leaving`, `cache +\| got`, `cache +\| leaving`)
	})
}

// order fails unless the patterns occur one after another.
func order(t *testing.T, text string, patterns ...string) {
	t.Helper()
	rest := text
	for _, pattern := range patterns {
		where := compile(pattern).FindStringIndex(rest)
		if where == nil {
			t.Errorf("no %q after those before it, %q, in:\n%s", pattern, patterns, text)
			return
		}
		rest = rest[where[1]:]
	}
}

// Case 34: a dependency that fails leaves its dependants unstarted.
func TestADependantOfAFailedJobDoesNotStart(t *testing.T) {
	t.Parallel()
	g := start(t, fileLaunch(t, subreaper, job("migrate", "exit", "3"),
		service("web", "emit", "both").with("depends_on", map[string]string{"migrate": "completed"})))
	wantCode(t, g, 3)
	if g.out.has("to stdout") {
		t.Error("web was started although migrate failed")
	}
}

// Case 34.
func TestACycleOfDependenciesIsRefusedWithItsNames(t *testing.T) {
	t.Parallel()
	g := start(t, fileLaunch(t, subreaper,
		service("one", "emit", "both").with("depends_on", []string{"three"}),
		service("two", "emit", "both").with("depends_on", []string{"one"}),
		service("three", "emit", "both").with("depends_on", []string{"two"})))
	wantCode(t, g, 2)
	for _, name := range []string{"one", "two", "three"} {
		if !g.err.has(name) {
			t.Errorf("%s is not named:\n%s", name, g.err.text())
		}
	}
	if g.out.has("to stdout") {
		t.Error("something was started")
	}
}

// The issue: a crash loop ends `errored` after max_restarts.
func TestACrashLoopGivesUpAfterMaxRestarts(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		l := webLaunch(t, m, service("crasher", "crash-after", "0s", "17").with("max_restarts", 4).with("exp_backoff_restart_delay", 10))
		l.args = append(l.args, "--no-auto-exit", "--log-level", "debug")
		g := start(t, l)
		g.awaitMetric(t, 1, "gorun_app_workers", `app="crasher"`, `state="errored"`)
		g.out.nth(t, "^started", 5)
		if n := g.out.count("^started"); n != 5 {
			t.Errorf("%d runs, want the first and 4 more", n)
		}
		g.err.next(t, "worker state changed.*worker=crasher/0 .*to=errored")
		steps := statesOf(g, "crasher/0")
		once := []string{"launching", "waiting restart"}
		want := slices.Concat(slices.Repeat(once, 4), []string{"launching", "errored"})
		without := slices.DeleteFunc(slices.Clone(steps), func(s string) bool { return s == "online" })
		if !slices.Equal(without, want) {
			t.Errorf("states %q, want %q", steps, want)
		}
	})
}

// statesOf returns the states that a worker entered, from the debug lines.
func statesOf(g *gorun, worker string) []string {
	expression := compile(fmt.Sprintf(`worker state changed.*worker=%s .*to=("[^"]*"|\S+)`, worker))
	var states []string
	for _, match := range expression.FindAllStringSubmatch(g.err.text(), -1) {
		states = append(states, strings.Trim(match[1], `"`))
	}
	return states
}
