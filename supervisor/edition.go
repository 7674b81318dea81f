package supervisor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// Plan tells what Apply would do.
func (s *Supervisor) Plan(e spec.Revision) []status.Change {
	apps := s.apps()
	var plan []status.Change
	for _, conf := range e.Apps {
		i := slices.IndexFunc(apps, func(a *app) bool { return a.name == conf.Name })
		if i < 0 {
			plan = append(plan, status.Change{App: conf.Name, What: status.Add})
			continue
		}
		plan = append(plan, compare(e, apps[i].look().conf, &conf))
	}
	for _, a := range apps {
		if !e.Partial && !slices.ContainsFunc(e.Apps, func(conf spec.App) bool { return conf.Name == a.name }) {
			plan = append(plan, status.Change{App: a.name, What: status.Remove})
		}
	}
	return plan
}

// compare tells what is to be done to an app for it to be what its new
// configuration says.
func compare(e spec.Revision, now, next *spec.App) status.Change {
	c := status.Change{App: next.Name, Why: now.Changes(*next)}
	switch {
	case !sameSharing(now, next):
		c.What = status.Recreate
	case len(c.Why) > 0 || e.All:
		c.What = status.Roll
	}
	return c
}

// Apply makes the apps what the edition says: what is new is started, what is
// gone is stopped, the rest is reloaded where it has changed, or where the
// edition asks for all. One edition is applied at a time; it returns when what is
// new is online, or has failed to be.
func (s *Supervisor) Apply(ctx context.Context, e spec.Revision, tell func(status.Progress)) error {
	if !s.cast.edit.TryLock() {
		return &BusyError{"the file", "reload"}
	}
	fresh, err := s.apply(ctx, e, oneAtATime(tell))
	s.cast.edit.Unlock() // what is new may have long to wait for what it needs
	for _, f := range fresh {
		err = errors.Join(err, f.task.await(ctx, f.app))
	}
	s.note(err)
	return err
}

// note puts on record how an edition was applied.
func (s *Supervisor) note(err error) {
	s.cast.mu.Lock()
	defer s.cast.mu.Unlock()
	config := *s.config.Load()
	config.Reloads++
	if err != nil {
		config.Failures++
	} else {
		config.Loaded = time.Now()
	}
	s.config.Store(&config)
}

// added is an app that was not there when gorun started, and the task that ends
// when its first workers are online.
type added struct {
	app  *app
	task *task
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
			errs = append(errs, s.rouse(ctx, &e.Apps[i], e, tell))
		case status.Remove:
			errs = append(errs, s.Do(ctx, spec.Order{Verb: spec.Delete, Targets: []status.Target{{App: change.App, Instance: status.EveryWorker}}}, tell))
		case status.Roll:
			errs = append(errs, s.update(ctx, &e.Apps[i], e, tell), s.rouse(ctx, &e.Apps[i], e, tell))
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
	made, err := s.prepare(s.apps(), fresh)
	if err != nil {
		return nil, err
	}
	return s.install(made, tell)
}

// install gives apps that are new a place behind the others.
func (s *Supervisor) install(made []*app, tell func(status.Progress)) ([]added, error) {
	s.cast.mu.Lock()
	defer s.cast.mu.Unlock()
	if s.cast.run == nil && len(made) > 0 {
		return nil, ErrStopping
	}
	s.cast.apps = append(slices.Clip(s.cast.apps), made...)
	var all []added
	for _, a := range made {
		tell(status.Progress{App: a.name, Instance: status.EveryWorker, Text: "added"})
		all = append(all, s.begin(a, tell))
	}
	return all, nil
}

// begin starts the goroutine of an app that was not there before. The lock of the
// cast is held.
func (s *Supervisor) begin(a *app, tell func(status.Progress)) added {
	t := &task{verb: spec.Start, reason: status.ByManual}
	t.report(a, tell)
	a.desk.added = t
	s.cast.run(a)
	return added{a, t}
}

// rouse starts the workers of an app that are at rest, if the edition asks for it.
func (s *Supervisor) rouse(ctx context.Context, conf *spec.App, e spec.Revision, tell func(status.Progress)) error {
	found, err := s.find([]status.Target{{App: conf.Name, Instance: status.EveryWorker}})
	if err != nil || !e.Start || !conf.Autostart {
		return err
	}
	now := found[0].app.look()
	if now.phase == waiting || !slices.ContainsFunc(now.workers, (*worker).rests) {
		return nil
	}
	return ask(ctx, found[0].app, &task{verb: spec.Start, reason: status.ByManual, patient: true}, tell)
}

// rests tells whether nothing will start the worker but an order. Anybody may
// call it.
func (w *worker) rests() bool {
	state := w.published.Load().State
	return state == status.Stopped || state == status.Errored
}

// update reloads an app with a new configuration, worker by worker, and then
// gives it the number of workers that the configuration says.
func (s *Supervisor) update(ctx context.Context, conf *spec.App, e spec.Revision, tell func(status.Progress)) error {
	found, err := s.find([]status.Target{{App: conf.Name, Instance: status.EveryWorker}})
	if err != nil {
		return err
	}
	a := found[0].app
	now := a.look()
	renewal := &task{verb: spec.Reload, conf: conf, parallel: e.Parallel, reason: status.ByReload}
	if e.Restart && now.phase == running {
		renewal.verb, renewal.reason = spec.Restart, status.ByManual
	}
	if conf.Instances < len(now.workers) && now.phase == running {
		for _, w := range now.workers[:conf.Instances] { // the others go when these have been replaced
			renewal.instances = append(renewal.instances, w.published.Load().Instance)
		}
	}
	if err := ask(ctx, a, renewal, tell); err != nil {
		return err
	}
	if conf.Instances != len(now.workers) && a.look().phase == running {
		return ask(ctx, a, &task{size: &spec.Size{Workers: conf.Instances}, reason: status.ByReload, patient: true}, tell)
	}
	return nil
}

// exchange stops an app and starts it anew, because its old and its new workers
// cannot share their sockets. Where it fails to start, it is started as it was.
func (s *Supervisor) exchange(ctx context.Context, conf *spec.App, tell func(status.Progress)) error {
	found, err := s.find([]status.Target{{App: conf.Name, Instance: status.EveryWorker}})
	if err != nil {
		return err
	}
	old := found[0].app
	was := old.look().conf
	next, err := s.follow(ctx, old, conf, "stopped and started anew: its ports are shared in another way from now on", tell)
	if failed := new(StartError); !errors.As(err, &failed) {
		return err
	}
	_, again := s.follow(ctx, next, was, "did not start, so it is started as it was before", tell)
	return errors.Join(err, again)
}

// follow has an app of that configuration follow one that runs, and waits until it
// is online.
func (s *Supervisor) follow(ctx context.Context, old *app, conf *spec.App, news string, tell func(status.Progress)) (*app, error) {
	others := slices.DeleteFunc(slices.Clone(s.apps()), func(a *app) bool { return a == old })
	made, err := s.prepare(others, []spec.App{*conf})
	if err != nil {
		return nil, err // the old one runs on
	}
	tell(status.Progress{App: conf.Name, Instance: status.EveryWorker, Text: news})
	if err := ask(ctx, old, &task{verb: spec.Delete, succeeded: true}, tell); err != nil {
		return nil, err
	}
	<-old.marks.gone
	next, err := s.swap(old, made[0], tell)
	if err != nil {
		return nil, err
	}
	return next.app, next.task.await(ctx, next.app)
}

// swap puts an app in the place of one that is gone. Until then that one is there
// as stopped: an app that is about to come back does not end gorun.
func (s *Supervisor) swap(old, next *app, tell func(status.Progress)) (added, error) {
	s.cast.mu.Lock()
	defer s.cast.mu.Unlock()
	if s.cast.run == nil {
		return added{}, ErrStopping
	}
	s.cast.apps = slices.Clone(s.cast.apps)
	s.cast.apps[slices.Index(s.cast.apps, old)] = next
	return s.begin(next, tell), nil
}
