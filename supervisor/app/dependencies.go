package app

import (
	"context"
	"fmt"
	"slices"

	"gorun/supervisor/app/jobs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// dependency is an app that must have come so far before this one starts.
type dependency struct {
	app       *App
	condition spec.Condition
}

// metDependency is what became of a dependency.
type metDependency struct {
	app *App
	met bool
}

// firstStart is the first start of an app.
type firstStart struct {
	by           *jobs.Command // what has added the app, until its workers are started; nil: nobody waits
	dependencies []dependency  // apps that must have come so far; next is the one waited for
	next         chan metDependency
}

// answer answers whoever has added the app, if its workers are not to start.
func (f *firstStart) answer(err error) {
	if f.by != nil {
		f.by.Finish(err)
		f.by = nil
	}
}

// DependOn has the app wait for another one before its first start. Call it before
// Run.
func (a *App) DependOn(other *App, condition spec.Condition) {
	a.dependencies = append(a.dependencies, dependency{other, condition})
}

// DependsOn reports whether the app depends on the one of that name, which may have
// been exchanged since.
func (a *App) DependsOn(name string) bool {
	return slices.ContainsFunc(a.dependencies, func(d dependency) bool { return d.app.name == name })
}

// awaitNext waits for the next app that this one needs, beside its goroutine; when
// there is none left, the workers are to be started.
func (c *controller) awaitNext(ctx context.Context) {
	f := &c.start
	if len(f.dependencies) == 0 {
		c.startFirst()
		return
	}
	next := f.dependencies[0]
	f.dependencies = f.dependencies[1:]
	c.actual.Blocked = "waits for app " + next.app.name
	if f.by != nil {
		f.by.Report(status.EveryWorker, c.actual.Blocked)
	}
	c.publish()
	met := make(chan metDependency, 1)
	f.next = met
	go func() { met <- metDependency{next.app, next.await(ctx)} }()
}

// startFirst says that every worker is to be started. Whoever has added the app is
// answered when they are online, or have failed to be.
func (c *controller) startFirst() {
	if by := c.start.by; by != nil {
		c.jobs.Add(jobs.First(by, c.slots, c.desired.spec))
		c.start.by = nil
		return
	}
	for _, s := range c.slots.All {
		s.SetDesired(c.slots.Update(c.desired.spec, status.ByManual))
	}
}

// proceed goes on when a dependency was met, or never will be.
func (c *controller) proceed(ctx context.Context, one metDependency) {
	c.start.next = nil
	switch {
	case ctx.Err() != nil:
		c.start.answer(jobs.ErrStopping)
		c.enter(Ended)
	case one.met:
		c.awaitNext(ctx)
	default:
		c.giveUp(one.app)
	}
}

// dropStart starts no worker any more when the dependencies are met, and says why to whoever
// waits for that.
func (c *controller) dropStart(why error) {
	c.start.answer(why)
	c.start, c.actual.Blocked = firstStart{}, ""
}

// giveUp ends an app that cannot be started, with the code of the app that it needs.
func (c *controller) giveUp(needed *App) {
	p := needed.Published()
	why := "has failed"
	switch {
	case p.Phase == Running:
		why = "was started again and has not ended yet"
	case !p.Spec.Autostart:
		why = "is not started: its autostart is false"
	}
	c.actual.Blocked = "not started: app " + needed.name + " " + why
	c.actual.Code = max(p.Code, 1)
	c.start.answer(&worker.StartError{Cause: fmt.Errorf("app %s %s", c.app.name, c.actual.Blocked)})
	c.app.deps.Worker.Log.Error("app not started: it depends on another one", "app", c.app.name, "depends_on", needed.name, "which", why)
	c.enter(Ended)
}

// await waits for the app to come so far. What has ended meanwhile is judged by its
// end, though it may have been online.
func (d dependency) await(ctx context.Context) bool {
	var online <-chan struct{}
	if d.condition == spec.Online {
		online = d.app.conditions.online
	}
	select {
	case <-online:
	case <-d.app.conditions.ended:
	case <-ctx.Done():
		return false
	}
	p := d.app.Published()
	return p.Completed || p.Phase == Running && d.condition == spec.Online && slices.ContainsFunc(p.Workers, wasOnline)
}

// AwaitReady waits until every worker was online once, all ended well, or the app is at
// rest until its schedule. It returns false when that can no longer be, or ctx ended.
func (a *App) AwaitReady(ctx context.Context) bool {
	select {
	case <-a.conditions.ready:
		return true
	case <-a.conditions.ended:
		p := a.Published()
		return p.Completed || !p.Spec.Autostart || p.AwaitsSchedule()
	case <-ctx.Done():
		return false
	}
}

func wasOnline(w *worker.Worker) bool { return w.Published().OnlineOnce }

// conditions are what others may wait for.
type conditions struct {
	online chan struct{} // closed: a worker was online
	ready  chan struct{} // closed: every worker was online
	ended  chan struct{} // closed: it has come to an end, once at least
	gone   chan struct{} // closed: Run has returned
}

func newConditions() conditions {
	return conditions{make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})}
}

// reach closes the conditions that have been met, and returns what is left.
func (left conditions) reach(p *Published) conditions {
	n := 0
	for _, w := range p.Workers {
		if wasOnline(w) {
			n++
		}
	}
	if left.online != nil && n >= 1 {
		close(left.online)
		left.online = nil
	}
	if left.ready != nil && n >= len(p.Workers) {
		close(left.ready)
		left.ready = nil
	}
	if left.ended != nil && (p.Phase == Ended || p.Phase == Stopped) {
		close(left.ended)
		left.ended = nil
	}
	return left
}
