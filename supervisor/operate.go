package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"gorun/supervisor/app"
	"gorun/supervisor/app/orders"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// Do carries out an order and returns when that is done, or ctx has ended: what
// is under way goes on then. The news come from several goroutines, one at a
// time.
func (s *Supervisor) Do(ctx context.Context, o spec.Order, tell func(status.Progress)) error {
	apps, err := s.find(o.Targets)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, len(apps))
	tell = oneAtATime(tell)
	reason := status.ByManual
	if o.Verb == spec.Reload {
		reason = status.ByReload
	}
	for i, chosen := range apps {
		c := &orders.Command{Verb: o.Verb, Instances: chosen.instances, Parallel: o.Parallel, Reason: reason}
		all.Go(func() {
			errs[i] = do(ctx, chosen.app, c, tell)
			if o.Verb == spec.Delete && errs[i] == nil {
				errs[i] = s.awaitGone(ctx, chosen.app)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// chosen is an app, or some workers of it.
type chosen struct {
	app       *app.App
	instances []int // nil: all of them
}

// find returns the apps that the targets name, each once, in the order of the
// first mention.
func (s *Supervisor) find(targets []status.Target) ([]chosen, error) {
	var found []chosen
	apps := s.all()
	for _, target := range targets {
		at := slices.IndexFunc(apps, func(a *app.App) bool { return a.Name() == target.App })
		if at < 0 {
			return nil, fmt.Errorf("%w: %s", orders.ErrUnknown, target.App)
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

// do has an app carry out a command, and waits for its end.
func do(ctx context.Context, a *app.App, c *orders.Command, tell func(status.Progress)) error {
	c.Prepare(reporter(a, tell))
	return a.Do(ctx, c) //nolint:wrapcheck // it names the app or the worker
}

// reporter passes the news of an app on.
func reporter(a *app.App, tell func(status.Progress)) func(int, string) {
	return func(instance int, text string) { tell(status.Progress{App: a.Name(), Instance: instance, Text: text}) }
}

// awaitGone waits until an app that was deleted is forgotten. One that has workers
// left stays.
func (s *Supervisor) awaitGone(ctx context.Context, a *app.App) error {
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

// forget drops an app that is gone.
func (s *Supervisor) forget(a *app.App) {
	s.apps.mu.Lock()
	s.apps.all = slices.DeleteFunc(slices.Clone(s.apps.all), func(one *app.App) bool { return one == a })
	s.apps.mu.Unlock()
	s.wake()
}

func oneAtATime(tell func(status.Progress)) func(status.Progress) {
	var mu sync.Mutex
	return func(p status.Progress) {
		mu.Lock()
		defer mu.Unlock()
		tell(p)
	}
}

// Scale changes how many workers an app has, and returns when the new ones are
// online, or those too many are gone.
func (s *Supervisor) Scale(ctx context.Context, name string, size spec.Size, tell func(status.Progress)) error {
	found, err := s.find([]status.Target{{App: name, Instance: status.EveryWorker}})
	if err != nil {
		return err
	}
	return do(ctx, found[0].app, &orders.Command{Size: &size, Reason: status.ByManual}, oneAtATime(tell))
}

// workers returns those that the targets name.
func (s *Supervisor) workers(targets []status.Target) ([]*worker.Worker, error) {
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

// Environ returns the environment that the worker's next process gets.
func (s *Supervisor) Environ(target status.Target) ([]string, error) {
	all, err := s.workers([]status.Target{target})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s/%d", orders.ErrUnknown, target.App, target.Instance)
	}
	p := all[0].Published()
	return p.Spec.Environ(p.Instance, p.ID), nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
