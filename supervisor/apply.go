package supervisor

import (
	"context"
	"errors"
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

// Plan says what Apply would do.
func (s *Supervisor) Plan(e spec.Revision) []status.Change {
	apps := s.apps.all()
	var plan []status.Change
	for _, conf := range e.Apps {
		i := slices.IndexFunc(apps, func(a *app.App) bool { return a.Name() == conf.Name })
		if i < 0 {
			plan = append(plan, status.Change{App: conf.Name, What: status.Add})
			continue
		}
		plan = append(plan, compare(e, apps[i].Published().Spec, &conf))
	}
	for _, a := range apps {
		if !e.Partial && !slices.ContainsFunc(e.Apps, func(conf spec.App) bool { return conf.Name == a.Name() }) {
			plan = append(plan, status.Change{App: a.Name(), What: status.Remove})
		}
	}
	return plan
}

// compare says what is to be done to an app for it to be what its new
// configuration says.
func compare(e spec.Revision, now, next *spec.App) status.Change {
	c := status.Change{App: next.Name, Why: now.Changes(*next)}
	switch {
	case !endpoint.SameSharing(now, next):
		c.What = status.Recreate
	case len(c.Why) > 0 || e.All:
		c.What = status.Roll
	}
	return c
}

// Apply makes the apps what the revision says: what is new is started, what is
// gone is stopped, the rest is reloaded where it has changed, or where the
// revision asks for all. One revision is applied at a time; it returns when what is
// new is online, or has failed to be.
func (s *Supervisor) Apply(ctx context.Context, e spec.Revision, report func(status.Progress)) error {
	select {
	case s.applying <- struct{}{}:
	default:
		return &jobs.BusyError{App: "the file", What: "reload"}
	}
	return s.apply(ctx, e, report)
}

// ErrMerged is the answer to a Reload while another one waits: that one will read what
// the file says.
var ErrMerged = errors.New("merged with a reload that waits")

// Reload is Apply for whoever cannot ask again: it waits for what is under way. One
// waits at a time. load reads the file when its turn has come, so that nothing older is
// applied.
func (s *Supervisor) Reload(ctx context.Context, load func() (spec.Revision, error), report func(status.Progress)) error {
	select {
	case s.queued <- struct{}{}:
	default:
		return ErrMerged
	}
	select {
	case s.applying <- struct{}{}:
		<-s.queued
	case <-ctx.Done():
		<-s.queued
		return ctx.Err() //nolint:wrapcheck // the caller's own word
	}
	e, err := load()
	if err != nil {
		<-s.applying
		return err
	}
	e.Wait = true
	return s.apply(ctx, e, report)
}

// apply is Apply for the one whose turn it is. It ends the turn.
func (s *Supervisor) apply(ctx context.Context, e spec.Revision, report func(status.Progress)) error {
	one := rollout{apps: &s.apps, revision: e, report: oneAtATime(report)}
	fresh, err := one.takeSteps(ctx, s.Plan(e))
	<-s.applying // what is new may have long to wait for what it needs
	for _, f := range fresh {
		err = errors.Join(err, f.first.Await(ctx, f.app.Gone()))
	}
	s.config.recordReload(err)
	return err
}

// config is how the file came to be what gorun runs by. Safe for concurrent use.
type config struct {
	mu  sync.Mutex
	now status.Config
}

// recordReload puts on record how a revision was applied.
func (c *config) recordReload(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Reloads++
	if err != nil {
		c.now.Failures++
	} else {
		c.now.Loaded = time.Now()
	}
}

func (c *config) load() status.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// rollout is a revision that is being applied.
type rollout struct {
	apps     *apps
	revision spec.Revision
	report   func(status.Progress)
}

// takeSteps takes the steps of the plan. It returns the apps that are new.
func (r *rollout) takeSteps(ctx context.Context, plan []status.Change) ([]added, error) {
	fresh, err := r.add(plan)
	if err != nil {
		return nil, err // nothing has changed
	}
	var errs []error
	for _, change := range plan {
		conf := r.conf(change.App)
		switch change.What {
		case status.Add:
		case status.Keep:
			errs = append(errs, r.startStopped(ctx, conf))
		case status.Remove:
			errs = append(errs, r.apps.carryOut(ctx, spec.Order{Verb: spec.Delete, Targets: []status.Target{{App: change.App, Instance: status.EveryWorker}}}, r.report))
		case status.Roll:
			errs = append(errs, r.update(ctx, conf), r.startStopped(ctx, conf))
		case status.Recreate: // below
		}
	}
	for _, change := range plan { // last: while it waits for another app, nothing of it runs
		if change.What == status.Recreate {
			errs = append(errs, r.recreate(ctx, r.conf(change.App)))
		}
	}
	return fresh, errors.Join(errs...)
}

// conf is what the revision says of an app; nil: nothing.
func (r *rollout) conf(name string) *spec.App {
	i := slices.IndexFunc(r.revision.Apps, func(conf spec.App) bool { return conf.Name == name })
	if i < 0 {
		return nil
	}
	return &r.revision.Apps[i]
}

// add starts the apps that are new.
func (r *rollout) add(plan []status.Change) ([]added, error) {
	var fresh []spec.App
	for _, change := range plan {
		if change.What == status.Add {
			fresh = append(fresh, *r.conf(change.App))
		}
	}
	made, err := r.apps.prepare(r.apps.all(), fresh)
	if err != nil {
		return nil, err
	}
	return r.apps.install(made, r.report)
}

// startStopped starts the workers of an app that are at rest, if the revision asks
// for it.
func (r *rollout) startStopped(ctx context.Context, conf *spec.App) error {
	a, err := r.apps.named(conf.Name)
	if err != nil || !r.revision.Start || !conf.Autostart {
		return err
	}
	now := a.Published()
	if now.Phase == app.Waiting || !slices.ContainsFunc(now.Workers, isAtRest) {
		return nil
	}
	return do(ctx, a, &jobs.Command{Verb: spec.Start, Reason: status.ByManual, QueueIfBusy: true}, r.report)
}

// isAtRest reports whether nothing will start the worker but an order.
func isAtRest(w *worker.Worker) bool {
	state := w.Published().State
	return state == status.Stopped || state == status.Errored
}

// update brings an app to a new revision, worker by worker, and then to the number of
// workers that the revision says.
func (r *rollout) update(ctx context.Context, conf *spec.App) error {
	a, err := r.apps.named(conf.Name)
	if err != nil {
		return err
	}
	c := &jobs.Command{Verb: spec.Reload, Spec: conf, Parallel: r.revision.Parallel, Reason: status.ByReload, QueueUnlessFirstStart: r.revision.Wait}
	if r.revision.Restart && a.Published().Phase == app.Running {
		c.Verb, c.Reason = spec.Restart, status.ByManual
	}
	return do(ctx, a, c, r.report)
}

// recreate stops an app and starts it again, because its old and its new workers
// cannot share their sockets. Where it fails to start, it is started as it was.
func (r *rollout) recreate(ctx context.Context, conf *spec.App) error {
	old, err := r.apps.named(conf.Name)
	if err != nil {
		return err
	}
	was := old.Published().Spec
	next, err := r.succeed(ctx, old, conf, "stopped and started anew: its ports are shared in another way from now on")
	if !worker.IsStartError(err) {
		return err
	}
	_, again := r.succeed(ctx, next, was, "did not start, so it is started as it was before")
	return errors.Join(err, again)
}

// succeed has an app of that configuration follow one that runs, and waits until it
// is online.
func (r *rollout) succeed(ctx context.Context, old *app.App, conf *spec.App, news string) (*app.App, error) {
	others := slices.DeleteFunc(slices.Clone(r.apps.all()), func(a *app.App) bool { return a == old })
	made, err := r.apps.prepare(others, []spec.App{*conf})
	if err != nil {
		return nil, err // the old one runs on
	}
	r.report(status.Progress{App: conf.Name, Instance: status.EveryWorker, Text: news})
	if err := do(ctx, old, &jobs.Command{Verb: spec.Delete, Recreate: true}, r.report); err != nil {
		return nil, err
	}
	<-old.Gone()
	next, err := r.apps.swap(old, made[0], r.report)
	if err != nil {
		return nil, err
	}
	return next.app, next.first.Await(ctx, next.app.Gone())
}
