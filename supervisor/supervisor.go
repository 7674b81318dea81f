// Package supervisor keeps every app's workers running.
package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
)

// strayGrace is what processes get that no worker's tree claims: after the
// longest kill_timeout it still fits into Docker's ten seconds.
const strayGrace = 1500 * time.Millisecond

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
	tools    *tools
	cast     cast
	stopping atomic.Bool
	failure  atomic.Pointer[string] // the app that the exit code is from, and how it failed
	config   atomic.Pointer[status.Config]
}

// cast are the apps there are.
type cast struct {
	mu   sync.Mutex
	apps []*app     // replaced, never changed in place
	run  func(*app) // starts one's goroutine; nil: Run has not begun, or is at its end
	edit sync.Mutex // one edition at a time
}

// New prepares the apps and opens their log files. Nothing is started.
func New(apps []spec.App, options Options) (*Supervisor, error) {
	s := &Supervisor{options: options, tools: newTools(options)}
	s.config.Store(&status.Config{Loaded: time.Now()})
	prepared, err := s.prepare(nil, apps)
	s.cast.apps = prepared
	return s, err
}

// prepare makes apps of their configuration; they may need each other, and
// those that there are already.
func (s *Supervisor) prepare(present []*app, confs []spec.App) ([]*app, error) {
	named := map[string]*app{}
	for _, a := range present {
		named[a.name] = a
	}
	var made []*app
	for _, conf := range confs {
		if err := checkSharing(&conf, s.tools); err != nil {
			return nil, err
		}
		a := newApp(&conf, s.tools)
		made, named[conf.Name] = append(made, a), a
	}
	for i, a := range made {
		for _, dependency := range confs[i].DependsOn {
			needed, found := named[dependency.App]
			if !found {
				return nil, fmt.Errorf("app %s depends on %s, which there is not", a.name, dependency.App)
			}
			a.needs = append(a.needs, need{needed, dependency.Condition})
		}
		a.desk.needs = a.needs
	}
	return made, nil
}

// apps returns the apps there are now.
func (s *Supervisor) apps() []*app {
	s.cast.mu.Lock()
	defer s.cast.mu.Unlock()
	return s.cast.apps
}

// Run starts all apps and returns when they have ended, with the exit code for
// the whole. The end of ctx stops them in order; the end of kill cuts every
// grace short.
func (s *Supervisor) Run(ctx, kill context.Context) int {
	s.open(ctx, kill)
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	defer unwatch()
	go s.tellReady(watching)
	code := s.wait(ctx)
	telling, told := context.WithTimeout(kill, hookGrace)
	defer told()
	s.stopping.Store(true)
	s.notify("STOPPING=1")
	s.delay(kill)
	s.end(kill)
	s.tools.herald.Close(telling)
	process.EndAll(kill, s.options.Reaper, process.Ladder{Signal: unix.SIGTERM, Grace: strayGrace})
	return code
}

// open gives every app its goroutine, and those to come.
func (s *Supervisor) open(ctx, kill context.Context) {
	s.cast.mu.Lock()
	defer s.cast.mu.Unlock()
	s.cast.run = func(a *app) {
		// An app's context outlives ctx: apps are stopped in order, not at once.
		var own context.Context
		own, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
		go func() {
			a.run(own, kill)
			a.cancel()
			if a.desk.leaving && !a.desk.succeeded {
				s.forget(a) // also where nobody waits for it any more
			}
		}()
	}
	for _, a := range s.cast.apps {
		s.cast.run(a)
	}
}

// wait waits until the apps have ended, or ctx has.
func (s *Supervisor) wait(ctx context.Context) int {
	for {
		if code, over := s.judge(); over {
			return code
		}
		select {
		case <-s.tools.news:
		case <-ctx.Done():
			return 0
		}
	}
}

// judge looks at how far the apps have come. The code is the one of the first
// that failed, or of a critical one, which ends the whole.
func (s *Supervisor) judge() (code int, over bool) {
	var blamed *app
	over = !s.options.Stay
	for _, a := range s.apps() {
		r := a.look()
		if !r.ended() {
			over = false
			continue
		}
		if r.code == 0 {
			continue
		}
		if r.conf.Critical {
			s.tools.log.Error("a critical app has ended: stopping", "app", a.name, "code", r.code)
			s.blame(a)
			return r.code, true
		}
		if blamed == nil || r.turn < blamed.look().turn {
			blamed = a
		}
	}
	if !over || blamed == nil {
		return 0, over
	}
	s.blame(blamed)
	return blamed.look().code, true
}

// ended tells whether nothing is left to wait for. A job that the clock starts
// again has not ended.
func (r *roster) ended() bool {
	return r.phase == over && (r.code != 0 || r.conf.Cron == "")
}

// blame remembers the failure behind the exit code, for who asks why gorun has
// ended.
func (s *Supervisor) blame(a *app) {
	st := a.status()
	reason := "app " + a.name + " failed"
	if exit := st.LastExit(); exit != nil {
		reason += ": " + exit.Text
	} else if st.Blocked != "" {
		reason += ": " + st.Blocked
	}
	s.failure.Store(&reason)
}

// Failure tells which app the exit code is from, and how it failed; "" when
// none did.
func (s *Supervisor) Failure() string {
	if reason := s.failure.Load(); reason != nil {
		return *reason
	}
	return ""
}

// end stops every app once those that depend on it have ended, and waits for
// the last. From its begin on there are no new ones.
func (s *Supervisor) end(kill context.Context) {
	s.cast.mu.Lock()
	s.cast.run = nil
	apps := s.cast.apps
	s.cast.mu.Unlock()
	for _, a := range apps {
		dependents := dependents(apps, a)
		go func() {
			for _, dependent := range dependents {
				<-dependent.marks.gone
			}
			a.parting()
			a.cancel()
		}()
	}
	telling, told := context.WithCancel(kill)
	defer told()
	go s.tellStopping(telling)
	for _, a := range apps {
		<-a.marks.gone
	}
}

// stopNotice is how often gorun tells what a stop still waits for.
const stopNotice = 2 * time.Second

// tellStopping tells what a stop still waits for.
func (s *Supervisor) tellStopping(ctx context.Context) {
	begun := time.Now()
	ticker := time.NewTicker(stopNotice)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		for _, a := range s.apps() {
			if n := a.status().Count(status.Stopping); n > 0 {
				s.tools.log.Info("still stopping", "app", a.name, "workers", n,
					"after", time.Since(begun).Round(time.Second), "of", a.look().conf.KillTimeout)
			}
		}
	}
}

// delay leaves the outside world time to notice that /readyz says no, where
// there is somebody left to stop.
func (s *Supervisor) delay(kill context.Context) {
	if !slices.ContainsFunc(s.apps(), func(a *app) bool { return !a.look().ended() }) {
		return
	}
	timer := time.NewTimer(s.options.ShutdownDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-kill.Done():
	}
}

func dependents(apps []*app, of *app) []*app {
	var found []*app
	for _, a := range apps {
		for _, need := range a.needs {
			if need.app.name == of.name { // which may have been exchanged since
				found = append(found, a)
			}
		}
	}
	return found
}

// Signal passes sig on to every worker's process tree.
func (s *Supervisor) Signal(sig unix.Signal) {
	for _, a := range s.apps() {
		for _, w := range a.look().workers {
			if p := w.running.Load(); p != nil {
				p.Signal(sig)
			}
		}
	}
}

// Snapshot copies what the workers have published.
func (s *Supervisor) Snapshot() status.Snapshot {
	snapshot, _ := s.snapshot()
	return snapshot
}

// snapshot also has the rosters behind it, one for each app.
func (s *Supervisor) snapshot() (status.Snapshot, []*roster) {
	var rosters []*roster
	snapshot := status.Snapshot{ShuttingDown: s.stopping.Load(), OrphansReaped: s.options.Reaper.Orphans(), Config: *s.config.Load()}
	for _, a := range s.apps() {
		r := a.look()
		rosters = append(rosters, r)
		snapshot.Apps = append(snapshot.Apps, r.status())
	}
	return snapshot, rosters
}
