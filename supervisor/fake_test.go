package supervisor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/invocation/event"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// fate is what becomes of one run of a fake program. The zero fate ends at
// once, with code 0.
type fate struct {
	err     error         // it cannot be started
	lives   time.Duration // until it ends by itself
	status  reaper.Status // how it does
	stops   time.Duration // from the stop signal to its end
	stopped reaper.Status // how it ends then
	leaves  int           // processes that outlive it, until they are stopped
	stalls  chan int      // nobody reads its output: gets the pid when that is dropped
	opens   *opening      // what it does with the sockets that it shares; nil: shares nothing
}

const forever = -1

// settling is when a worker is online of which nothing is heard, see package worker.
const settling = 100 * time.Millisecond

// The fates that most tests need.
var (
	crashes = fate{status: reaper.Status{Code: 1}}
	serves  = fate{lives: forever, stopped: reaper.Status{Signal: unix.SIGTERM}}
	refuses = fate{lives: forever, stops: forever}
)

func (f fate) after(d time.Duration) fate { f.lives = d; return f }

func (f fate) with(code int) fate { f.status = reaper.Status{Code: code}; return f }

// fakeRun is a run of a program that there is not. Its output is empty.
type fakeRun struct {
	fate   fate
	pid    int
	exited chan struct{}
	once   sync.Once
	status reaper.Status
}

func (f *fakeRun) end(st reaper.Status) {
	f.once.Do(func() {
		f.status = st
		close(f.exited)
	})
}

func (f *fakeRun) Pid() int                { return f.pid }
func (f *fakeRun) Exited() <-chan struct{} { return f.exited }
func (f *fakeRun) Status() reaper.Status   { return f.status }
func (f *fakeRun) Members() []int          { return make([]int, f.fate.leaves) }

func (f *fakeRun) Stop(ctx context.Context, ladder process.Ladder) (forced bool) {
	var gone <-chan time.Time
	if f.fate.stops != forever {
		gone = time.After(f.fate.stops)
	}
	grace := time.NewTimer(ladder.Grace)
	defer grace.Stop()
	select {
	case <-gone:
		f.end(f.fate.stopped)
		return false
	case <-grace.C:
	case <-ctx.Done():
	}
	f.end(reaper.Status{Signal: unix.SIGKILL})
	return true
}

func (*fakeRun) Tail() []string { return nil }

func (f *fakeRun) Drain(ctx context.Context) error {
	if f.fate.stalls != nil {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (f *fakeRun) Close(ctx context.Context) error {
	if f.fate.stalls != nil {
		<-ctx.Done()
		f.fate.stalls <- f.pid
	}
	return ctx.Err()
}

// play starts runs of these fates, one after the other; the last one repeats.
func play(id int, fates ...fate) func(*spec.App) (*invocation.Invocation, error) {
	pid := 100 * (id + 1)
	return func(conf *spec.App) (*invocation.Invocation, error) {
		next := fates[0]
		if len(fates) > 1 {
			fates = fates[1:]
		}
		if next.err != nil {
			return nil, next.err
		}
		pid++
		run := &fakeRun{fate: next, pid: pid, exited: make(chan struct{})}
		switch next.lives {
		case forever:
		case 0:
			run.end(next.status)
		default:
			time.AfterFunc(next.lives, func() { run.end(next.status) })
		}
		parts := invocation.Parts{Program: run, Tree: run, Output: run, Endpoint: shut{}}
		if next.opens != nil {
			parts.Endpoint = next.opens.begin()
		}
		return invocation.New(parts, conf, 0), nil
	}
}

// film is a log handler that keeps the steps of all workers, with their times,
// and the other records.
type film struct {
	begun time.Time

	mu      sync.Mutex
	steps   []step
	illegal []string
	lines   []string
}

// newFilm is for a test of which every step is to be legal.
func newFilm(t *testing.T) *film {
	t.Helper()
	f := &film{begun: time.Now()}
	t.Cleanup(func() {
		for _, line := range f.illegal {
			t.Error(line)
		}
	})
	return f
}

func newOutput(t *testing.T) *logs.Output {
	t.Helper()
	output := logs.New(logs.Options{Stdout: io.Discard, Stderr: io.Discard})
	t.Cleanup(func() { _ = output.Close(context.Background()) })
	return output
}

type step struct {
	at     time.Duration
	worker string
	to     status.State
}

func (f *film) Enabled(context.Context, slog.Level) bool { return true }
func (f *film) WithAttrs([]slog.Attr) slog.Handler       { return f }
func (f *film) WithGroup(string) slog.Handler            { return f }

func (f *film) Handle(_ context.Context, r slog.Record) error {
	s := step{at: r.Time.Sub(f.begun)}
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "worker":
			s.worker = a.Value.String()
		case "to":
			s.to, _ = a.Value.Any().(status.State)
		}
		line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.Message {
	case "worker state changed":
		f.steps = append(f.steps, s)
	case "invalid state transition: a bug of gorun":
		f.illegal = append(f.illegal, line)
	default:
		f.lines = append(f.lines, line)
	}
	return nil
}

// of returns the steps of one worker, as "0s launching".
func (f *film) of(worker string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var own []string
	for _, s := range f.steps {
		if s.worker == worker {
			own = append(own, s.at.String()+" "+s.to.String())
		}
	}
	return own
}

// when tells when a worker entered a state first; -1: never.
func (f *film) when(worker string, to status.State) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.steps {
		if s.worker == worker && s.to == to {
			return s.at
		}
	}
	return -1
}

func (f *film) said(part string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.lines, func(line string) bool { return strings.Contains(line, part) })
}

// stage is a supervisor whose programs are fakes. It lives in a bubble of
// package synctest, where hours pass in no time.
type stage struct {
	*Supervisor
	film    *film
	scripts scripts
	mail    *mail // what its webhooks get
	cancel  context.CancelFunc
	kill    context.CancelFunc
	begun   time.Time
	ended   time.Time // when Run had returned
	code    int
	over    chan struct{} // closed: Run has returned
}

// enact runs f in a bubble, with the apps' supervisor already running.
func enact(t *testing.T, apps []part, options Options, f func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{film: newFilm(t), scripts: scripts{fates: map[string][]fate{}, started: map[string]func(*spec.App) (*invocation.Invocation, error){}}, mail: &mail{begun: time.Now()}, begun: time.Now(), over: make(chan struct{})}
		options.Reaper, options.Output, options.Log, options.StartLimit = theReaper, newOutput(t), slog.New(s.film), 100
		var confs []spec.App
		for _, p := range apps {
			confs = append(confs, p.app)
		}
		supervisor, err := New(confs, options)
		if err != nil {
			t.Fatal(err)
		}
		s.Supervisor = supervisor
		supervisor.hooks = hooks.New(hooks.Options{Log: options.Log, Transport: s.mail})
		supervisor.apps.deps.Measure = s.scripts.measure
		supervisor.apps.deps.Worker.Hooks, supervisor.apps.deps.Worker.StartInvocation = supervisor.hooks, s.scripts.launch
		for _, p := range apps {
			s.scripts.set(p.app.Name, p.fates)
		}
		s.roll(t)
		synctest.Wait() // what starts at once has started
		f(s)
	})
}

// scripts has the fates of each app's workers, also of those to come.
type scripts struct {
	mu      sync.Mutex
	fates   map[string][]fate
	started map[string]func(*spec.App) (*invocation.Invocation, error) // by app and pm_id
	uses    func(w status.Worker, age time.Duration) int64             // memory in bytes; nil: none
}

// eats says how much memory workers use.
func (c *scripts) eats(uses func(w status.Worker, age time.Duration) int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uses = uses
}

// measure has what the workers use.
func (c *scripts) measure(workers []*worker.Worker) []worker.Tree {
	c.mu.Lock()
	defer c.mu.Unlock()
	var trees []worker.Tree
	for _, w := range workers {
		p, i := w.Published(), w.Invocation()
		if c.uses != nil && i != nil && p.Spec.MaxMemory > 0 && (p.State == status.Launching || p.State == status.Online) {
			trees = append(trees, worker.Tree{Worker: w, Invocation: i, Memory: c.uses(p.Worker, time.Since(i.Started()))})
		}
	}
	return trees
}

func (c *scripts) set(app string, fates []fate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fates[app] = fates
	maps.DeleteFunc(c.started, func(key string, _ func(*spec.App) (*invocation.Invocation, error)) bool {
		return strings.HasPrefix(key, app+"/")
	})
}

func (c *scripts) launch(r invocation.Request) (*invocation.Invocation, error) {
	c.mu.Lock()
	key := fmt.Sprint(r.Spec.Name, "/", r.ID)
	if c.started[key] == nil {
		c.started[key] = play(r.ID, c.fates[r.Spec.Name]...)
	}
	start := c.started[key]
	c.mu.Unlock()
	return start(r.Spec)
}

func (s *stage) roll(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	kill, killNow := context.WithCancel(context.Background())
	s.cancel, s.kill = cancel, killNow
	go func() {
		s.code = s.Run(ctx, kill)
		s.ended = time.Now()
		close(s.over)
	}()
	t.Cleanup(func() {
		cancel()
		killNow()
		<-s.over
		wait(10 * time.Second) // for output that nobody reads
	})
}

// passes lets so much time pass, and all that happens in it happen.
func (s *stage) passes(d time.Duration) {
	wait(d)
	synctest.Wait()
}

// wait lasts no time at all in a bubble.
func wait(d time.Duration) { <-time.After(d) }

// end waits for Run, and returns its code and how long it took.
func (s *stage) end() (code int, after time.Duration) {
	<-s.over
	return s.code, s.ended.Sub(s.begun)
}

// worker returns the first worker of an app.
func (s *stage) worker(name string) *worker.Worker {
	for _, a := range s.apps.all() {
		if a.Name() == name {
			return a.Published().Workers[0]
		}
	}
	return nil
}

// api returns the published status of the first worker of the app of that name.
func (s *stage) api() status.Worker { return s.worker("api").Published().Worker }

func (s *stage) app(name string) status.App {
	for _, a := range s.Snapshot().Apps {
		if a.Name == name {
			return a
		}
	}
	return status.App{}
}

// part is an app and what becomes of its workers' runs.
type part struct {
	app   spec.App
	fates []fate
}

// daemon is an app that is restarted 1 s after each end, and is given up at
// the third unstable run in a row.
func daemon(name string, fates ...fate) part {
	return part{spec.App{
		Name: name, Argv: []string{name}, Instances: 1, Autostart: true, ReadyMin: 1, TreeKill: true,
		StopSignal: unix.SIGTERM, KillTimeout: 8 * time.Second,
		Restart: restart.Policy{Auto: true, MaxUnstable: 2, MinUptime: time.Second, Delay: time.Second},
	}, fates}
}

// job is an app that is run once.
func job(name string, f fate) part {
	p := daemon(name, f)
	p.app.Restart.Auto = false
	return p
}

// but returns the part with something changed.
func (p part) but(change func(*spec.App)) part {
	change(&p.app)
	return p
}

func (p part) needs(app string, condition spec.Condition) part {
	p.app.DependsOn = append(slices.Clip(p.app.DependsOn), spec.Dependency{App: app, Condition: condition})
	return p
}

func (p part) critical() part {
	p.app.Critical = true
	return p
}

func wantSteps(t *testing.T, s *stage, worker string, want ...string) {
	t.Helper()
	if got := s.film.of(worker); !slices.Equal(got, want) {
		t.Errorf("steps of %s:\n  %s\nwant:\n  %s", worker, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func wantEnd(t *testing.T, s *stage, code int, after time.Duration) {
	t.Helper()
	if gotCode, gotAfter := s.end(); gotCode != code || gotAfter != after {
		t.Errorf("Run ended with %d after %v, want %d after %v", gotCode, gotAfter, code, after)
	}
}

// shut is the endpoint of a worker that shares nothing and reports nothing.
type shut struct{}

func (shut) ReportsListening() bool                                       { return false }
func (shut) AcceptTraffic()                                               {}
func (shut) TakeOver(sockets.Owner)                                       {}
func (shut) StopTraffic()                                                 {}
func (shut) Drain(context.Context, <-chan struct{}, endpoint.DrainLimits) {}
func (shut) AskToStop() bool                                              { return false }
func (shut) Clients() process.Clients                                     { return nil }
func (shut) DisconnectIPC()                                               {}
func (shut) Owner() sockets.Owner                                         { return 0 }
func (shut) MissingAddresses(sockets.Owner) []sockets.Address             { return nil }
func (shut) Release()                                                     {}
func (shut) Report(func(event.Event))                                     {}
