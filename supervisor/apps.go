package supervisor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gorun/supervisor/app"
	"gorun/supervisor/app/jobs"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// apps is the set of apps. Safe for concurrent use; nothing waits under its lock.
type apps struct {
	deps    app.Deps
	changed chan struct{} // an app has published something; at most one pending

	mu    sync.Mutex
	list  []*app.App                      // replaced, never changed in place
	run   func(*app.App, *jobs.Command)   // starts one's goroutine; nil: Run has not begun, or is at its end
	stops map[*app.App]context.CancelFunc // of those that have a goroutine
}

// wake has Run look at the apps again.
func (s *apps) wake() {
	select {
	case s.changed <- struct{}{}:
	default: // what it has not looked at yet covers this
	}
}

// all returns the apps there are now.
func (s *apps) all() []*app.App {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list
}

// prepare makes apps of their configuration; they may depend on each other, and on
// those that there are already.
func (s *apps) prepare(present []*app.App, confs []spec.App) ([]*app.App, error) {
	named := map[string]*app.App{}
	for _, a := range present {
		named[a.Name()] = a
	}
	var made []*app.App
	for _, conf := range confs {
		if err := endpoint.CheckSharing(&conf); err != nil {
			return nil, err //nolint:wrapcheck // it names the app
		}
		if conf.Sharing != spec.ShareNone {
			s.deps.Worker.Log.Info("workers share their ports", "app", conf.Name, "sharing", conf.Sharing, "balance", conf.Balance)
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

// begin gives every app its goroutine, and those to come. An app's context outlives
// ctx: apps are stopped in order, not at once.
func (s *apps) begin(ctx, kill context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stops = map[*app.App]context.CancelFunc{}
	s.run = func(a *app.App, first *jobs.Command) {
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		s.stops[a] = stop
		go func() {
			deleted := a.Run(own, kill, first)
			stop()
			if deleted {
				s.forget(a) // also where nobody waits for it any more
			}
		}()
	}
	for _, a := range s.list {
		s.run(a, nil)
	}
}

// install gives apps that are new a place behind the others.
func (s *apps) install(made []*app.App, report func(status.Progress)) ([]added, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil && len(made) > 0 {
		return nil, jobs.ErrStopping
	}
	s.list = append(slices.Clip(s.list), made...)
	var all []added
	for _, a := range made {
		report(status.Progress{App: a.Name(), Instance: status.EveryWorker, Text: "added"})
		all = append(all, s.startAdded(a, report))
	}
	return all, nil
}

// startAdded starts the goroutine of an app that was not there before. The lock of
// the apps is held.
func (s *apps) startAdded(a *app.App, report func(status.Progress)) added {
	first := &jobs.Command{Verb: spec.Start, Reason: status.ByManual}
	first.Prepare(reporter(a, report))
	s.run(a, first)
	return added{a, first}
}

// swap puts an app in the place of one that is gone. Until then that one is there
// as stopped: an app that is about to come back does not end gorun.
func (s *apps) swap(old, next *app.App, report func(status.Progress)) (added, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return added{}, jobs.ErrStopping
	}
	s.list = slices.Clone(s.list)
	s.list[slices.Index(s.list, old)] = next
	return s.startAdded(next, report), nil
}

// find returns the apps that the targets name, each once, in the order of the
// first mention.
func (s *apps) find(targets []status.Target) ([]chosen, error) {
	var found []chosen
	apps := s.all()
	for _, target := range targets {
		at := slices.IndexFunc(apps, func(a *app.App) bool { return a.Name() == target.App })
		if at < 0 {
			return nil, fmt.Errorf("%w: %s", jobs.ErrUnknown, target.App)
		}
		i := slices.IndexFunc(found, func(c chosen) bool { return c.app == apps[at] })
		if i < 0 {
			i = len(found)
			found = append(found, chosen{app: apps[at], instances: []int{}})
		}
		switch {
		case target.Instance == status.EveryWorker:
			found[i].instances = nil
		case found[i].instances != nil:
			found[i].instances = append(found[i].instances, target.Instance)
		}
	}
	return found, nil
}

// named returns the app of that name.
func (s *apps) named(name string) (*app.App, error) {
	found, err := s.find([]status.Target{{App: name, Instance: status.EveryWorker}})
	if err != nil {
		return nil, err
	}
	return found[0].app, nil
}

// sharedBy names an app whose workers share a port, other than the one that asks.
func (s *apps) sharedBy(port int, asks string) string {
	for _, a := range s.all() {
		if ports := a.Published().Ports; a.Name() != asks && ports != nil && ports.Shares(port) {
			return a.Name()
		}
	}
	return ""
}

// workers returns those that the targets name.
func (s *apps) workers(targets []status.Target) ([]*worker.Worker, error) {
	apps, err := s.find(targets)
	if err != nil {
		return nil, err
	}
	var found []*worker.Worker
	for _, c := range apps {
		for _, w := range c.app.Published().Workers {
			if c.instances == nil || slices.Contains(c.instances, w.Published().Instance) {
				found = append(found, w)
			}
		}
	}
	return found, nil
}

// forget drops an app that is gone.
func (s *apps) forget(a *app.App) {
	s.mu.Lock()
	s.list = slices.DeleteFunc(slices.Clone(s.list), func(one *app.App) bool { return one == a })
	s.mu.Unlock()
	s.wake()
}

// awaitGone waits until an app that was deleted is forgotten. One that has workers
// left stays.
func (s *apps) awaitGone(ctx context.Context, a *app.App) error {
	if len(a.Published().Workers) > 0 {
		return nil
	}
	select {
	case <-a.Gone():
	case <-ctx.Done():
		if !isClosed(a.Gone()) { // else gorun may be ending because it is
			return ctx.Err() //nolint:wrapcheck // the caller's own word
		}
	}
	s.forget(a)
	return nil
}

// end stops every app once those that depend on it have ended, and waits for
// the last. From its begin on there are no new ones.
func (s *apps) end(kill context.Context) {
	s.mu.Lock()
	s.run = nil
	apps, stops := s.list, s.stops
	s.mu.Unlock()
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
func (s *apps) reportStopping(ctx context.Context) {
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
				s.deps.Worker.Log.Info("still stopping", "app", a.Name(), "workers", n,
					"after", time.Since(begun).Round(time.Second), "of", p.Spec.KillTimeout)
			}
		}
	}
}

// delay leaves the outside world time to notice that /readyz says no, where
// there is somebody left to stop.
func (s *apps) delay(kill context.Context, d time.Duration) {
	if !slices.ContainsFunc(s.all(), func(a *app.App) bool { return !ended(a.Published()) }) {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-kill.Done():
	}
}

// added is an app that was not there when gorun started, and the command that ends
// when its first workers are online.
type added struct {
	app   *app.App
	first *jobs.Command
}

// chosen is an app, or some workers of it.
type chosen struct {
	app       *app.App
	instances []int // nil: all of them
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
