package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/logs"
	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// What follows runs real processes: this binary as its own worker. Not in
// parallel: at its end a supervisor ends all that descends from this process.

// transcript collects what gorun prints.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// patience is for machines with much else to do.
const patience = 3 * time.Minute

// instance is a supervisor with real processes.
type instance struct {
	*Supervisor
	out, err *transcript
	cancel   context.CancelFunc
	kill     context.CancelFunc
	over     chan struct{} // closed: Run has returned, and all output is written
	code     int
}

func run(tb testing.TB, apps ...spec.App) *instance {
	tb.Helper()
	r := &instance{out: &transcript{}, err: &transcript{}, over: make(chan struct{})}
	output := logs.New(logs.Options{Stdout: r.out, Stderr: r.err})
	supervisor, err := New(apps, Options{Reaper: theReaper, Output: output, Log: slog.New(output.Handler()), StartLimit: 100})
	if err != nil {
		tb.Fatal(err)
	}
	r.Supervisor = supervisor
	ctx, cancel := context.WithCancel(context.Background())
	kill, killNow := context.WithCancel(context.Background())
	r.cancel, r.kill = cancel, killNow
	go func() {
		defer close(r.over)
		r.code = r.Run(ctx, kill)
		_ = output.Close(context.Background())
	}()
	tb.Cleanup(func() {
		cancel()
		killNow()
		<-r.over
	})
	return r
}

// actual is a daemon that runs this binary with the given words.
func actual(name string, words ...string) spec.App {
	return spec.App{
		Name: name, Argv: append([]string{os.Args[0], "worker"}, words...), Dir: "/",
		Instances: 1, Autostart: true, ReadyMin: 1, TreeKill: true,
		StopSignal: unix.SIGTERM, KillTimeout: time.Minute,
		Restart: restart.Policy{Auto: true, MaxUnstable: 1000},
	}
}

func once(name string, words ...string) spec.App {
	app := actual(name, words...)
	app.Restart.Auto = false
	return app
}

func (r *instance) wait(tb testing.TB, code int) {
	tb.Helper()
	select {
	case <-r.over:
	case <-time.After(patience):
		tb.Fatalf("gorun is still running; it said:\n%s", r.err)
	}
	if r.code != code {
		tb.Errorf("exit code %d, want %d; gorun said:\n%s", r.code, code, r.err)
	}
}

func eventually(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !happened(); wait(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("never: %s", what)
		}
	}
}

// up waits until so many times a worker's program has said on stdout that it runs,
// and gorun has taken note of all of them.
func (r *instance) up(tb testing.TB, starts int) {
	tb.Helper()
	eventually(tb, fmt.Sprintf("%d starts", starts), func() bool { return strings.Count(r.out.String(), "up\n") >= starts && r.known() })
}

// known tells whether every worker's process is known to others.
func (r *instance) known() bool {
	for _, a := range r.Snapshot().Apps {
		if slices.ContainsFunc(a.Workers, func(w status.Worker) bool { return w.Pid == 0 }) {
			return false
		}
	}
	return true
}

func (r *instance) first() status.Worker { return r.Snapshot().Apps[0].Workers[0] }

func exists(pid int) bool { return unix.Kill(pid, 0) == nil }

func TestAKilledWorkerIsReplaced(t *testing.T) {
	r := run(t, actual("api", "sleep"))
	r.up(t, 1)
	first := r.first().Pid
	if err := unix.Kill(first, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.up(t, 2)
	st := r.first()
	if st.Pid == first || st.Restarts[status.ByExit] != 1 || st.Exits[status.Signaled] != 1 || st.LastExit.Text != "137 = SIGKILL" {
		t.Errorf("after kill -9: %+v, last exit %+v", st, st.LastExit)
	}
}

func TestAStopEndsTheWorkersWithTheStopSignal(t *testing.T) {
	apps := []spec.App{actual("api", "sleep"), actual("web", "sleep")}
	apps[0].Instances = 3
	r := run(t, apps...)
	r.up(t, 4)
	r.cancel()
	r.wait(t, 0)
	for _, a := range r.Snapshot().Apps {
		for _, w := range a.Workers {
			if w.State != status.Stopped || w.Exits[status.Clean] != 1 || w.ForcedKills != 0 || w.LastExit.Text != "143 = SIGTERM" {
				t.Errorf("%s/%d: %+v", w.App, w.Instance, w)
			}
		}
	}
}

func TestASecondSignalKillsARealWorker(t *testing.T) {
	r := run(t, actual("api", "stubborn"))
	r.up(t, 1)
	r.cancel()
	eventually(t, "it is stopping", func() bool { return r.first().State == status.Stopping })
	r.kill()
	r.wait(t, 0)
	if w := r.first(); w.ForcedKills != 1 || w.Exits[status.Killed] != 1 {
		t.Errorf("after the kill: %+v", w)
	}
}

func TestAJobsCodeIsGoruns(t *testing.T) {
	r := run(t, once("a", "exit", "0"), once("b", "exit", "42"))
	r.wait(t, 42)
	if got := r.Failure(); got != "app b failed: 42" {
		t.Errorf("Failure() = %q", got)
	}
}

func TestAMissingProgramIs127AndADirectory126(t *testing.T) {
	for path, code := range map[string]int{"/nowhere/at/all": 127, "/": 126} {
		app := once("a")
		app.Argv = []string{path}
		r := run(t, app)
		r.wait(t, code)
		if w := r.first(); w.LastError == "" || w.LastExit.Code != code || w.Pid != 0 {
			t.Errorf("%s: %+v", path, w)
		}
		if !strings.Contains(r.err.String(), path) {
			t.Errorf("%s is not named: %s", path, r.err)
		}
	}
}

func TestWhatAJobLeavesBehindIsEnded(t *testing.T) {
	r := run(t, once("a", "leave", "5"))
	r.wait(t, 5)
	var pid int
	if _, err := fmt.Sscanf(r.out.String(), "left %d", &pid); err != nil {
		t.Fatalf("no pid in %q", r.out)
	}
	eventually(t, "it is reaped", func() bool { return !exists(pid) })
}

func TestACrashIsTold(t *testing.T) {
	app := once("api", "complain", "what a pity")
	r := run(t, app)
	r.wait(t, 1)
	for _, part := range []string{"worker exited", "worker=api/0", "exit=1", "pid=", "uptime=", `next="stays stopped"`, "\n  what a pity\n"} {
		if !strings.Contains(r.err.String(), part) {
			t.Errorf("%q is missing in:\n%s", part, r.err)
		}
	}
}

func TestAWorkerThatOutgrowsItsMemoryIsRestarted(t *testing.T) {
	app := actual("api", "grow", "64")
	app.MaxMemory = 48 << 20
	r := run(t, app)
	eventually(t, "it is restarted for its memory", func() bool { return r.first().Restarts[status.ByMemory] > 0 })
	if w := r.first(); w.Exits[status.Clean] == 0 {
		t.Errorf("after a memory restart: %+v", w)
	}
}

func TestSignalsReachEveryWorker(t *testing.T) {
	two := once("a", "usr1", "7")
	two.Instances = 2
	r := run(t, two, once("b", "usr1", "7"))
	r.up(t, 3)
	r.Signal(unix.SIGUSR1)
	r.wait(t, 7)
	for _, a := range r.Snapshot().Apps {
		for _, w := range a.Workers {
			if w.Starts != 1 || w.LastExit.Code != 7 {
				t.Errorf("%s/%d: %+v", w.App, w.Instance, w)
			}
		}
	}
}

// L4: who handles a signal that is news is told of it, and how many they were; nobody
// ends of it.
func TestL4NewsGoesToThoseThatHandleItAndIsCounted(t *testing.T) {
	script := actual("a", "sleep")
	script.Argv = []string{"/bin/sh", "-c", `echo up; while :; do sleep 60; done`}
	r := run(t, script, actual("b", "sleep"), once("c", "sleep"))
	r.up(t, 3)
	every := func(app string) []status.Target { return []status.Target{{App: app, Instance: status.EveryWorker}} }
	for _, test := range []struct {
		app  string
		sig  unix.Signal
		want int
	}{
		{"a", unix.SIGUSR2, 0},
		{"a", unix.SIGWINCH, 0},
		{"a", 40, 0},
		{"b", unix.SIGWINCH, 1}, // the runtime of Go handles every signal
		{"nobody", unix.SIGWINCH, 0},
	} {
		if got := r.SignalTargets(every(test.app), test.sig); got != test.want {
			t.Errorf("signal %d reached %d processes of %s, want %d", test.sig, got, test.app, test.want)
		}
	}
	r.Signal(unix.SIGUSR2) // as docker kill -s would
	for _, a := range r.Snapshot().Apps[:1] {
		if w := a.Workers[0]; w.Starts != 1 || w.LastExit != nil {
			t.Errorf("%s ended of a signal that it does not handle: %+v", a.Name, w)
		}
	}
	if r.SignalTargets(every("a"), unix.SIGKILL) == 0 {
		t.Error("an order to end has to be handled by nobody")
	}
}

func TestThePidFileIsThereWhileTheProcessIs(t *testing.T) {
	dir := t.TempDir()
	one, two := actual("one", "sleep"), actual("two", "sleep")
	one.PidFile = filepath.Join(dir, "run", "one.pid")
	two.PidFile, two.Instances = filepath.Join(dir, "two.pid"), 2
	r := run(t, one, two)
	r.up(t, 3)
	apps := r.Snapshot().Apps
	for path, pid := range map[string]int{
		"run/one.pid": apps[0].Workers[0].Pid, "two-0.pid": apps[1].Workers[0].Pid, "two-1.pid": apps[1].Workers[1].Pid,
	} {
		eventually(t, path+" holds the pid", func() bool {
			text, err := os.ReadFile(filepath.Join(dir, path))
			return err == nil && string(text) == strconv.Itoa(pid)+"\n"
		})
	}
	r.cancel()
	r.wait(t, 0)
	for _, pattern := range []string{"*.pid", "run/*.pid"} {
		if left, _ := filepath.Glob(filepath.Join(dir, pattern)); left != nil {
			t.Errorf("at the end there are %v", left)
		}
	}
}

func TestAPidFileOfSomebodyElseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.pid")
	app := actual("api", "sleep")
	app.PidFile = path
	r := run(t, app)
	r.up(t, 1)
	eventually(t, "it holds the pid", func() bool {
		text, _ := os.ReadFile(path)
		return string(text) == strconv.Itoa(r.first().Pid)+"\n"
	})
	if err := os.WriteFile(path, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.cancel()
	r.wait(t, 0)
	if text, _ := os.ReadFile(path); string(text) != "1\n" {
		t.Errorf("it holds %q, want the other's pid", text)
	}
}

func TestAPidFileThatCannotBeWrittenHoldsUpNoWorker(t *testing.T) {
	app := once("api", "exit", "0")
	app.PidFile = "/proc/nowhere/api.pid"
	r := run(t, app)
	r.wait(t, 0)
	if !strings.Contains(r.err.String(), "cannot write pid_file") {
		t.Errorf("not told: %s", r.err)
	}
}

func TestAPidFileMayBeNoFile(t *testing.T) {
	app := once("api", "exit", "0")
	app.PidFile = "/dev/null"
	run(t, app).wait(t, 0)
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Fatalf("/dev/null is %v, %v", info, err)
	}
}

func TestSnapshotsWhileWorkersComeAndGo(t *testing.T) {
	app := actual("api", "exit", "1")
	app.Instances, app.Restart.MaxUnstable, app.Restart.MinUptime = 4, 10, time.Hour
	r := run(t, app)
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			last := time.Duration(0)
			for {
				select {
				case <-r.over:
					return
				default:
				}
				for _, w := range r.Sample().Apps[0].Workers {
					if w.Instance == 0 && w.Usage.CPU < last {
						t.Errorf("CPU time fell from %v to %v", last, w.Usage.CPU)
					} else if w.Instance == 0 {
						last = w.Usage.CPU
					}
				}
				r.Signal(unix.SIGCONT)
			}
		})
	}
	r.wait(t, 1)
	readers.Wait()
}

func TestRestartsLeaveNothingBehind(t *testing.T) {
	descriptors, goroutines := openDescriptors(t), runtime.NumGoroutine()
	app := actual("api", "exit", "3")
	app.Restart.MaxUnstable, app.Restart.MinUptime = restartsInARow-1, time.Hour
	r := run(t, app)
	r.wait(t, 3)
	if starts := r.first().Starts; starts != restartsInARow {
		t.Errorf("starts = %d, want %d", starts, restartsInARow)
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "no descriptor is left", func() bool { return len(openDescriptors(t)) <= len(descriptors) })
}

// openDescriptors lists where the descriptors of this process lead to.
func openDescriptors(t *testing.T) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			open = append(open, target)
		}
	}
	return open
}

// The budget is 10 ms from a worker's death to its replacement.
func BenchmarkReplacement(b *testing.B) {
	r := run(b, actual("api", "sleep"))
	var times []time.Duration
	for b.Loop() {
		r.up(b, len(times)+1)
		before := r.first()
		begun := time.Now()
		if err := unix.Kill(before.Pid, unix.SIGKILL); err != nil {
			b.Fatal(err)
		}
		eventually(b, "it is replaced", func() bool { return r.first().Starts > before.Starts })
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms/median")
	b.ReportMetric(float64(times[len(times)-1].Microseconds())/1000, "ms/longest")
}
