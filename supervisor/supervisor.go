// Package supervisor keeps every app's workers running: it starts the apps in the
// order of their dependencies, applies revisions of the file, carries out orders,
// stops everything in reverse order and says with which exit code gorun ends.
//
// It owns the set of apps, behind one lock that is never held while anything waits.
// What goes on in an app belongs to that app's goroutine, and nothing here reads more
// of it than what it has published.
//
// Run keeps its caller's goroutine until the last app has ended. It starts one for
// each app, one that waits until all apps have been ready, and, to stop, one for each
// app that waits for its dependents. Do, Scale and Apply run on their callers'.
package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/app"
	"gorun/supervisor/app/orders"
	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
)

// orphanGrace is the time to end of processes that no worker's tree claims: after
// the longest kill_timeout it still fits into Docker's ten seconds.
const orphanGrace = 1500 * time.Millisecond

// hookGrace is how long hooks may still take when gorun is to end. The stops of
// the workers run beside it: it adds nothing to a long one.
const hookGrace = 5 * time.Second

// Options is what a supervisor works with.
type Options struct {
	Reaper        *reaper.Reaper
	Output        *logs.Output
	Log           *slog.Logger
	Cgroup        usage.Cgroup
	Starting      int           // workers that may be starting at the same time
	ShutdownDelay time.Duration // from the wish to stop to the first stop
	Stay          bool          // run on when every app has ended
	NotifySocket  string        // of whoever runs gorun (sd_notify); "": nobody asks
	Trim          func() error  // lets go of what the start needed: called once, when every app has been ready; may be nil
}

// Supervisor runs all apps of an ecosystem. Safe for concurrent use.
type Supervisor struct {
	options  Options
	log      *slog.Logger
	deps     app.Deps
	journal  journal
	hooks    *hooks.Dispatcher
	changed  chan struct{} // an app has published something; at most one pending
	apps     apps
	stopping atomic.Bool
	failure  atomic.Pointer[string] // the app that the exit code is from, and how it failed
	config   atomic.Pointer[status.Config]
}

// apps is the set of apps. Locked while it is read or changed.
type apps struct {
	mu    sync.Mutex
	all   []*app.App                      // replaced, never changed in place
	run   func(*app.App, *orders.Command) // starts one's goroutine; nil: Run has not begun, or is at its end
	stops map[*app.App]context.CancelFunc // of those that have a goroutine
	apply sync.Mutex                      // one revision at a time
}

// New prepares the apps and opens their log files. Nothing is started.
func New(confs []spec.App, options Options) (*Supervisor, error) {
	host, _ := os.Hostname() // it goes without
	s := &Supervisor{
		options: options, log: options.Log, changed: make(chan struct{}, 1),
		hooks: hooks.New(hooks.Options{Log: options.Log}),
	}
	d := &s.deps.Worker
	d.Reaper, d.Log, d.Cgroup, d.UID, d.Record = options.Reaper, options.Log, options.Cgroup, os.Geteuid(), s.journal.record
	d.OOM, d.Hooks, d.Host = &usage.OOMKills{Count: options.Cgroup.OOMKills}, s.hooks, host
	d.Output, d.Slots, d.Launch = options.Output, make(chan struct{}, max(options.Starting, 1)), invocation.Start
	s.deps.Changed = s.wake
	s.config.Store(&status.Config{Loaded: time.Now()})
	prepared, err := s.prepare(nil, confs)
	s.apps.all = prepared
	return s, err
}

// wake has Run look at the apps again.
func (s *Supervisor) wake() {
	select {
	case s.changed <- struct{}{}:
	default: // what it has not looked at yet covers this
	}
}

// prepare makes apps of their configuration; they may depend on each other, and on
// those that there are already.
func (s *Supervisor) prepare(present []*app.App, confs []spec.App) ([]*app.App, error) {
	named := map[string]*app.App{}
	for _, a := range present {
		named[a.Name()] = a
	}
	var made []*app.App
	for _, conf := range confs {
		if err := invocation.CheckSharing(&conf); err != nil {
			return nil, err //nolint:wrapcheck // it names the app
		}
		if conf.Sharing != spec.ShareNone {
			s.log.Info("workers share their ports", "app", conf.Name, "sharing", conf.Sharing, "balance", conf.Balance)
		}
		a := app.New(&conf, &s.deps)
		made, named[conf.Name] = append(made, a), a
	}
	for i, a := range made {
		for _, dependency := range confs[i].DependsOn {
			needed, found := named[dependency.App]
			if !found {
				return nil, fmt.Errorf("app %q depends on unknown app %q", a.Name(), dependency.App)
			}
			a.DependOn(needed, dependency.Condition)
		}
	}
	return made, nil
}

// all returns the apps there are now.
func (s *Supervisor) all() []*app.App {
	s.apps.mu.Lock()
	defer s.apps.mu.Unlock()
	return s.apps.all
}

// Run starts all apps and returns when they have ended, with the exit code for
// the whole. The end of ctx stops them in order; the end of kill cuts every
// grace short.
func (s *Supervisor) Run(ctx, kill context.Context) int {
	s.begin(ctx, kill)
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	defer unwatch()
	go s.awaitReady(watching)
	code := s.wait(ctx)
	telling, told := context.WithTimeout(kill, hookGrace)
	defer told()
	s.stopping.Store(true)
	s.notify("STOPPING=1")
	s.delay(kill)
	s.end(kill)
	s.hooks.Close(telling)
	process.EndAll(kill, s.options.Reaper, process.Ladder{Signal: unix.SIGTERM, Grace: orphanGrace})
	return code
}

// begin gives every app its goroutine, and those to come. An app's context outlives
// ctx: apps are stopped in order, not at once.
func (s *Supervisor) begin(ctx, kill context.Context) {
	s.apps.mu.Lock()
	defer s.apps.mu.Unlock()
	s.apps.stops = map[*app.App]context.CancelFunc{}
	s.apps.run = func(a *app.App, first *orders.Command) {
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		s.apps.stops[a] = stop
		go func() {
			deleted := a.Run(own, kill, first)
			stop()
			if deleted {
				s.forget(a) // also where nobody waits for it any more
			}
		}()
	}
	for _, a := range s.apps.all {
		s.apps.run(a, nil)
	}
}

// wait waits until the apps have ended, or ctx has.
func (s *Supervisor) wait(ctx context.Context) int {
	for {
		if code, over := s.judge(); over {
			return code
		}
		select {
		case <-s.changed:
		case <-ctx.Done():
			return 0
		}
	}
}

// judge looks at how far the apps have come. The code is the one of the first
// that failed, or of a critical one, which ends the whole.
func (s *Supervisor) judge() (code int, over bool) {
	var failed *app.App
	over = !s.options.Stay
	for _, a := range s.all() {
		p := a.Published()
		if !ended(p) {
			over = false
			continue
		}
		if p.Code == 0 {
			continue
		}
		if p.Spec.Critical {
			s.log.Error("a critical app has ended: stopping", "app", a.Name(), "code", p.Code)
			s.setFailure(a)
			return p.Code, true
		}
		if failed == nil || p.Turn < failed.Published().Turn {
			failed = a
		}
	}
	if !over || failed == nil {
		return 0, over
	}
	s.setFailure(failed)
	return failed.Published().Code, true
}

// ended reports whether nothing is left to wait for. A job that the clock starts
// again has not ended.
func ended(p *app.Published) bool {
	return p.Phase == app.Ended && (p.Code != 0 || p.Spec.Cron == "")
}

// setFailure remembers the failure behind the exit code.
func (s *Supervisor) setFailure(a *app.App) {
	st := a.Published().Status()
	reason := "app " + a.Name() + " failed"
	if exit := st.LastExit(); exit != nil {
		reason += ": " + exit.Text
	} else if st.Blocked != "" {
		reason += ": " + st.Blocked
	}
	s.failure.Store(&reason)
}

// Failure says which app the exit code is from, and how it failed; "" when none
// did.
func (s *Supervisor) Failure() string {
	if reason := s.failure.Load(); reason != nil {
		return *reason
	}
	return ""
}

// end stops every app once those that depend on it have ended, and waits for
// the last. From its begin on there are no new ones.
func (s *Supervisor) end(kill context.Context) {
	s.apps.mu.Lock()
	s.apps.run = nil
	apps, stops := s.apps.all, s.apps.stops
	s.apps.mu.Unlock()
	for _, a := range apps {
		dependents := dependents(apps, a.Name())
		go func() {
			for _, dependent := range dependents {
				<-dependent.Gone()
			}
			a.SetEnding()
			stops[a]()
		}()
	}
	reporting, stop := context.WithCancel(kill)
	defer stop()
	go s.reportStopping(reporting)
	for _, a := range apps {
		<-a.Gone()
	}
}

// dependents are the apps that depend on the one of that name.
func dependents(apps []*app.App, name string) []*app.App {
	return slices.DeleteFunc(slices.Clone(apps), func(a *app.App) bool { return !a.DependsOn(name) })
}

// stopNotice is how often gorun reports what a stop still waits for.
const stopNotice = 2 * time.Second

// reportStopping logs what a stop still waits for.
func (s *Supervisor) reportStopping(ctx context.Context) {
	begun := time.Now()
	ticker := time.NewTicker(stopNotice)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		for _, a := range s.all() {
			p := a.Published()
			st := p.Status()
			if n := st.Count(status.Stopping); n > 0 {
				s.log.Info("still stopping", "app", a.Name(), "workers", n,
					"after", time.Since(begun).Round(time.Second), "of", p.Spec.KillTimeout)
			}
		}
	}
}

// delay leaves the outside world time to notice that /readyz says no, where
// there is somebody left to stop.
func (s *Supervisor) delay(kill context.Context) {
	if !slices.ContainsFunc(s.all(), func(a *app.App) bool { return !ended(a.Published()) }) {
		return
	}
	timer := time.NewTimer(s.options.ShutdownDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-kill.Done():
	}
}
