package supervisor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"gorun/supervisor/app"
	"gorun/supervisor/app/orders"
	"gorun/supervisor/invocation"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// Plan says what Apply would do.
func (s *Supervisor) Plan(e spec.Revision) []status.Change {
	apps := s.all()
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
	case !invocation.SameSharing(now, next):
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
func (s *Supervisor) Apply(ctx context.Context, e spec.Revision, tell func(status.Progress)) error {
	if !s.apps.apply.TryLock() {
		return &orders.BusyError{App: "the file", What: "reload"}
	}
	fresh, err := s.apply(ctx, e, oneAtATime(tell))
	s.apps.apply.Unlock() // what is new may have long to wait for what it needs
	for _, f := range fresh {
		err = errors.Join(err, f.first.Await(ctx, f.app.Gone()))
	}
	s.note(err)
	return err
}

// note puts on record how a revision was applied.
func (s *Supervisor) note(err error) {
	s.apps.mu.Lock()
	defer s.apps.mu.Unlock()
	config := *s.config.Load()
	config.Reloads++
	if err != nil {
		config.Failures++
	} else {
		config.Loaded = time.Now()
	}
	s.config.Store(&config)
}

// added is an app that was not there when gorun started, and the command that ends
// when its first workers are online.
type added struct {
	app   *app.App
	first *orders.Command
}

func (s *Supervisor) apply(ctx context.Context, e spec.Revision, tell func(status.Progress)) ([]added, error) {
	plan := s.Plan(e)
	fresh, err := s.add(plan, e.Apps, tell)
	if err != nil {
		return nil, err // nothing has changed
	}
	// What waits for another app while nothing of it runs comes last.
	slices.SortStableFunc(plan, func(a, b status.Change) int { return cmp.Compare(max(a.What, status.Roll), max(b.What, status.Roll)) })
	var errs []error
	for _, change := range plan {
		i := slices.IndexFunc(e.Apps, func(conf spec.App) bool { return conf.Name == change.App })
		switch change.What {
		case status.Add:
		case status.Keep:
			errs = append(errs, s.startResting(ctx, &e.Apps[i], e, tell))
		case status.Remove:
			errs = append(errs, s.Do(ctx, spec.Order{Verb: spec.Delete, Targets: []status.Target{{App: change.App, Instance: status.EveryWorker}}}, tell))
		case status.Roll:
			errs = append(errs, s.update(ctx, &e.Apps[i], e, tell), s.startResting(ctx, &e.Apps[i], e, tell))
		case status.Recreate:
			errs = append(errs, s.exchange(ctx, &e.Apps[i], tell))
		}
	}
	return fresh, errors.Join(errs...)
}

// add starts the apps that are new.
func (s *Supervisor) add(plan []status.Change, confs []spec.App, tell func(status.Progress)) ([]added, error) {
	var fresh []spec.App
	for _, change := range plan {
		if change.What == status.Add {
			i := slices.IndexFunc(confs, func(conf spec.App) bool { return conf.Name == change.App })
			fresh = append(fresh, confs[i])
		}
	}
	made, err := s.prepare(s.all(), fresh)
	if err != nil {
		return nil, err
	}
	return s.install(made, tell)
}

// install gives apps that are new a place behind the others.
func (s *Supervisor) install(made []*app.App, tell func(status.Progress)) ([]added, error) {
	s.apps.mu.Lock()
	defer s.apps.mu.Unlock()
	if s.apps.run == nil && len(made) > 0 {
		return nil, orders.ErrStopping
	}
	s.apps.all = append(slices.Clip(s.apps.all), made...)
	var all []added
	for _, a := range made {
		tell(status.Progress{App: a.Name(), Instance: status.EveryWorker, Text: "added"})
		all = append(all, s.startAdded(a, tell))
	}
	return all, nil
}

// begin starts the goroutine of an app that was not there before. The lock of
// the apps is held.
func (s *Supervisor) startAdded(a *app.App, tell func(status.Progress)) added {
	first := &orders.Command{Verb: spec.Start, Reason: status.ByManual}
	first.Prepare(reporter(a, tell))
	s.apps.run(a, first)
	return added{a, first}
}

// startResting starts the workers of an app that are at rest, if the revision asks
// for it.
func (s *Supervisor) startResting(ctx context.Context, conf *spec.App, e spec.Revision, tell func(status.Progress)) error {
	found, err := s.find([]status.Target{{App: conf.Name, Instance: status.EveryWorker}})
	if err != nil || !e.Start || !conf.Autostart {
		return err
	}
	now := found[0].app.Published()
	if now.Phase == app.Waiting || !slices.ContainsFunc(now.Workers, rests) {
		return nil
	}
	return do(ctx, found[0].app, &orders.Command{Verb: spec.Start, Reason: status.ByManual, Background: true}, tell)
}

// rests reports whether nothing will start the worker but an order.
func rests(w *worker.Worker) bool {
	state := w.Published().State
	return state == status.Stopped || state == status.Errored
}

// update brings an app to a new revision, worker by worker, and then to the number of
// workers that the revision says.
func (s *Supervisor) update(ctx context.Context, conf *spec.App, e spec.Revision, tell func(status.Progress)) error {
	found, err := s.find([]status.Target{{App: conf.Name, Instance: status.EveryWorker}})
	if err != nil {
		return err
	}
	a := found[0].app
	c := &orders.Command{Verb: spec.Reload, Spec: conf, Parallel: e.Parallel, Reason: status.ByReload}
	if e.Restart && a.Published().Phase == app.Running {
		c.Verb, c.Reason = spec.Restart, status.ByManual
	}
	return do(ctx, a, c, tell)
}

// exchange stops an app and starts it again, because its old and its new workers
// cannot share their sockets. Where it fails to start, it is started as it was.
func (s *Supervisor) exchange(ctx context.Context, conf *spec.App, tell func(status.Progress)) error {
	found, err := s.find([]status.Target{{App: conf.Name, Instance: status.EveryWorker}})
	if err != nil {
		return err
	}
	old := found[0].app
	was := old.Published().Spec
	next, err := s.succeed(ctx, old, conf, "stopped and started anew: its ports are shared in another way from now on", tell)
	if !worker.IsStartError(err) {
		return err
	}
	_, again := s.succeed(ctx, next, was, "did not start, so it is started as it was before", tell)
	return errors.Join(err, again)
}

// succeed has an app of that configuration follow one that runs, and waits until it
// is online.
func (s *Supervisor) succeed(ctx context.Context, old *app.App, conf *spec.App, news string, tell func(status.Progress)) (*app.App, error) {
	others := slices.DeleteFunc(slices.Clone(s.all()), func(a *app.App) bool { return a == old })
	made, err := s.prepare(others, []spec.App{*conf})
	if err != nil {
		return nil, err // the old one runs on
	}
	tell(status.Progress{App: conf.Name, Instance: status.EveryWorker, Text: news})
	if err := do(ctx, old, &orders.Command{Verb: spec.Delete, Exchange: true}, tell); err != nil {
		return nil, err
	}
	<-old.Gone()
	next, err := s.swap(old, made[0], tell)
	if err != nil {
		return nil, err
	}
	return next.app, next.first.Await(ctx, next.app.Gone())
}

// swap puts an app in the place of one that is gone. Until then that one is there
// as stopped: an app that is about to come back does not end gorun.
func (s *Supervisor) swap(old, next *app.App, tell func(status.Progress)) (added, error) {
	s.apps.mu.Lock()
	defer s.apps.mu.Unlock()
	if s.apps.run == nil {
		return added{}, orders.ErrStopping
	}
	s.apps.all = slices.Clone(s.apps.all)
	s.apps.all[slices.Index(s.apps.all, old)] = next
	return s.startAdded(next, tell), nil
}
