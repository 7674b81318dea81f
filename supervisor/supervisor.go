// Package supervisor keeps every app's workers running.
package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/ecosystem"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/usage"
)

// strayGrace is what processes get that no worker's tree claims: after the
// longest kill_timeout it still fits into Docker's ten seconds.
const strayGrace = 1500 * time.Millisecond

// Options is what a supervisor works with.
type Options struct {
	Reaper        *reaper.Reaper
	Output        *logs.Output
	Log           *slog.Logger
	Cgroup        usage.Cgroup
	Starting      int           // workers that may be starting at the same time
	ShutdownDelay time.Duration // from the wish to stop to the first stop
	Stay          bool          // run on when every app has ended
}

// Supervisor runs all apps of an ecosystem.
type Supervisor struct {
	options  Options
	tools    *tools
	apps     []*app // immutable
	stopping atomic.Bool
	failure  atomic.Pointer[string] // the app that the exit code is from, and how it failed
}

// New prepares the apps and opens their log files. Nothing is started.
func New(apps []ecosystem.App, options Options) (*Supervisor, error) {
	s := &Supervisor{options: options, tools: newTools(options)}
	id := 0
	named := map[string]*app{}
	for _, conf := range apps {
		a := &app{
			conf: conf, tools: s.tools, changed: make(chan struct{}, 1),
			online: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{}), cancel: func() {},
		}
		a.sharing = newSharing(a)
		if err := a.sharing.check(); err != nil {
			return nil, err
		}
		for instance := range conf.Instances {
			a.workers = append(a.workers, newWorker(a, instance, id))
			id++
		}
		s.apps, named[conf.Name] = append(s.apps, a), a
	}
	for _, a := range s.apps {
		for _, dependency := range a.conf.DependsOn {
			needed, found := named[dependency.App]
			if !found {
				return nil, fmt.Errorf("app %s depends on %s, which there is not", a.conf.Name, dependency.App)
			}
			a.needs = append(a.needs, need{needed, dependency.Condition})
		}
	}
	return s, nil
}

// Run starts all apps and returns when they have ended, with the exit code for
// the whole. The end of ctx stops them in order; the end of kill cuts every
// grace short.
func (s *Supervisor) Run(ctx, kill context.Context) int {
	endings := make(chan *app, len(s.apps))
	for _, a := range s.apps {
		// An app's context outlives ctx: apps are stopped in order, not at once.
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		a.cancel = cancel
		go func() {
			a.run(own, kill)
			endings <- a // before those who depend on it can follow
			close(a.ended)
		}()
	}
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	defer unwatch()
	go s.watchMemory(watching)
	go s.tellReady(watching)
	code := s.wait(ctx, kill, endings)
	s.stopping.Store(true)
	for _, a := range s.apps {
		<-a.ended
	}
	process.EndAll(kill, s.options.Reaper, process.Ladder{Signal: unix.SIGTERM, Grace: strayGrace})
	return code
}

// wait collects the ends of the apps. The code is the one of the first that
// failed, or of a critical one.
func (s *Supervisor) wait(ctx, kill context.Context, endings <-chan *app) int {
	code := 0
	for left := len(s.apps); left > 0 || s.options.Stay; {
		select {
		case a := <-endings:
			left--
			if a.code != 0 && (code == 0 || a.conf.Critical) {
				code = a.code
				s.blame(a)
			}
			if a.code != 0 && a.conf.Critical {
				s.tools.log.Error("a critical app has ended: stopping", "app", a.conf.Name, "code", a.code)
				s.stop(kill, endings, left)
				return code
			}
		case <-ctx.Done():
			s.stop(kill, endings, left)
			return 0
		}
	}
	return code
}

// blame remembers the failure behind the exit code, for who asks why gorun has
// ended.
func (s *Supervisor) blame(a *app) {
	status := a.status()
	reason := "app " + a.conf.Name + " failed"
	if exit := status.LastExit(); exit != nil {
		reason += ": " + exit.Text
	} else if status.Held != "" {
		reason += ": " + status.Held
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

// stop stops every app once those that depend on it have ended, and waits for
// the last.
func (s *Supervisor) stop(kill context.Context, endings <-chan *app, left int) {
	s.stopping.Store(true)
	if left > 0 {
		s.delay(kill)
	}
	for _, a := range s.apps {
		dependents := s.dependents(a)
		go func() {
			for _, dependent := range dependents {
				<-dependent.ended
			}
			a.cancel()
		}()
	}
	for ; left > 0; left-- {
		<-endings
	}
}

// delay leaves the outside world time to notice that /readyz says no.
func (s *Supervisor) delay(kill context.Context) {
	timer := time.NewTimer(s.options.ShutdownDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-kill.Done():
	}
}

func (s *Supervisor) dependents(of *app) []*app {
	var found []*app
	for _, a := range s.apps {
		for _, need := range a.needs {
			if need.app == of {
				found = append(found, a)
			}
		}
	}
	return found
}

// Signal passes sig on to every worker's process tree.
func (s *Supervisor) Signal(sig unix.Signal) {
	for _, a := range s.apps {
		for _, w := range a.workers {
			if p := w.running.Load(); p != nil {
				p.Signal(sig)
			}
		}
	}
}

// Snapshot copies what the workers have published.
func (s *Supervisor) Snapshot() Snapshot {
	snapshot := Snapshot{ShuttingDown: s.stopping.Load(), OrphansReaped: s.options.Reaper.Orphans()}
	for _, a := range s.apps {
		snapshot.Apps = append(snapshot.Apps, a.status())
	}
	return snapshot
}
