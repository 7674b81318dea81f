package supervisor

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorun/supervisor/ecosystem"
)

// Plan tells what Apply would do.
func (s *Supervisor) Plan(e Edition) []Change {
	apps := s.apps()
	var plan []Change
	for _, conf := range e.Apps {
		i := slices.IndexFunc(apps, func(a *app) bool { return a.name == conf.Name })
		if i < 0 {
			plan = append(plan, Change{App: conf.Name, What: Add})
			continue
		}
		plan = append(plan, e.compare(apps[i].look().conf, &conf))
	}
	for _, a := range apps {
		if !e.Partial && !slices.ContainsFunc(e.Apps, func(conf ecosystem.App) bool { return conf.Name == a.name }) {
			plan = append(plan, Change{App: a.name, What: Remove})
		}
	}
	return plan
}

// compare tells what is to be done to an app for it to be what its new
// configuration says.
func (e Edition) compare(now, next *ecosystem.App) Change {
	c := Change{App: next.Name, Why: now.Changes(*next)}
	switch {
	case !sameSharing(now, next):
		c.What = Renew
	case len(c.Why) > 0 || e.All:
		c.What = Replace
	}
	return c
}

// Apply makes the apps what the edition says: what is new is started, what is
// gone is stopped, the rest is reloaded where it has changed, or where the
// edition asks for all. One edition is applied at a time.
func (s *Supervisor) Apply(ctx context.Context, e Edition, tell func(Progress)) error {
	if !s.cast.edit.TryLock() {
		return &BusyError{"the file", "reload"}
	}
	defer s.cast.edit.Unlock()
	tell = oneAtATime(tell)
	err := s.apply(ctx, e, tell)
	config := *s.config.Load()
	config.Reloads++
	if err != nil {
		config.Failures++
	} else {
		config.Loaded = time.Now()
	}
	s.config.Store(&config)
	return err
}

func (s *Supervisor) apply(ctx context.Context, e Edition, tell func(Progress)) error {
	plan := s.Plan(e)
	if err := s.add(plan, e.Apps, tell); err != nil {
		return err // nothing has changed
	}
	var errs []error
	for _, change := range plan {
		i := slices.IndexFunc(e.Apps, func(conf ecosystem.App) bool { return conf.Name == change.App })
		switch change.What {
		case Keep, Add:
		case Remove:
			errs = append(errs, s.Do(ctx, Order{Verb: Delete, Targets: []Target{{change.App, EveryWorker}}}, tell))
		case Replace:
			errs = append(errs, s.update(ctx, &e.Apps[i], e.Parallel, tell))
		case Renew:
			errs = append(errs, s.exchange(ctx, &e.Apps[i], tell))
		}
	}
	return errors.Join(errs...)
}

// add starts the apps that are new.
func (s *Supervisor) add(plan []Change, confs []ecosystem.App, tell func(Progress)) error {
	var fresh []ecosystem.App
	for _, change := range plan {
		if change.What == Add {
			i := slices.IndexFunc(confs, func(conf ecosystem.App) bool { return conf.Name == change.App })
			fresh = append(fresh, confs[i])
		}
	}
	made, err := s.prepare(s.apps(), fresh)
	if err != nil {
		return err
	}
	s.cast.mu.Lock()
	defer s.cast.mu.Unlock()
	if s.cast.run == nil && len(made) > 0 {
		return ErrStopping
	}
	s.cast.apps = append(slices.Clip(s.cast.apps), made...)
	for _, a := range made {
		s.cast.run(a)
		tell(Progress{App: a.name, Instance: EveryWorker, Text: "added"})
	}
	return nil
}

// update reloads an app with a new configuration, worker by worker, and then
// gives it the number of workers that the configuration says.
func (s *Supervisor) update(ctx context.Context, conf *ecosystem.App, parallel int, tell func(Progress)) error {
	found, err := s.find([]Target{{conf.Name, EveryWorker}})
	if err != nil {
		return err
	}
	a := found[0].app
	now := len(a.look().workers)
	if conf.Instances < now && a.look().phase == running {
		size := &Size{Workers: conf.Instances}
		if err := ask(ctx, a, &task{size: size, reason: ByReload}, tell); err != nil {
			return err
		}
	}
	if err := ask(ctx, a, &task{verb: Reload, conf: conf, parallel: parallel, reason: ByReload}, tell); err != nil {
		return err
	}
	if conf.Instances > now && a.look().phase == running {
		return ask(ctx, a, &task{size: &Size{Workers: conf.Instances}, reason: ByReload}, tell)
	}
	return nil
}

// exchange stops an app and starts it anew, because its old and its new workers
// cannot share their sockets.
func (s *Supervisor) exchange(ctx context.Context, conf *ecosystem.App, tell func(Progress)) error {
	found, err := s.find([]Target{{conf.Name, EveryWorker}})
	if err != nil {
		return err
	}
	old := found[0].app
	others := slices.DeleteFunc(slices.Clone(s.apps()), func(a *app) bool { return a == old })
	made, err := s.prepare(others, []ecosystem.App{*conf})
	if err != nil {
		return err // the old one runs on
	}
	tell(Progress{App: conf.Name, Instance: EveryWorker, Text: "stopped and started anew: its ports are shared in another way from now on"})
	if err := ask(ctx, old, &task{verb: Delete, succeeded: true}, tell); err != nil {
		return err
	}
	<-old.marks.gone
	return s.swap(old, made[0])
}

// swap puts an app in the place of one that is gone. Until then that one is there
// as stopped: an app that is about to come back does not end gorun.
func (s *Supervisor) swap(old, next *app) error {
	s.cast.mu.Lock()
	defer s.cast.mu.Unlock()
	if s.cast.run == nil {
		return ErrStopping
	}
	s.cast.apps = slices.Clone(s.cast.apps)
	s.cast.apps[slices.Index(s.cast.apps, old)] = next
	s.cast.run(next)
	return nil
}
