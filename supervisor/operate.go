package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
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
		t := &task{verb: o.Verb, instances: chosen.instances, parallel: o.Parallel, reason: reason}
		all.Go(func() {
			errs[i] = ask(ctx, chosen.app, t, tell)
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
	app       *app
	instances []int // nil: all of them
}

// find returns the apps that the targets name, each once, in the order of the
// first mention.
func (s *Supervisor) find(targets []status.Target) ([]chosen, error) {
	var found []chosen
	apps := s.apps()
	for _, target := range targets {
		at := slices.IndexFunc(apps, func(a *app) bool { return a.name == target.App })
		if at < 0 {
			return nil, fmt.Errorf("%w: %s", ErrUnknown, target.App)
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

// ask hands a task to an app and waits for its end.
func ask(ctx context.Context, a *app, t *task, tell func(status.Progress)) error {
	t.report(a, tell)
	select {
	case a.desk.tasks <- t:
	case <-a.marks.gone:
		return ErrStopping
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller's own word
	}
	return t.await(ctx, a)
}

// report makes ready for the news of the task and for its end.
func (t *task) report(a *app, tell func(status.Progress)) {
	t.done = make(chan error, 1)
	t.tell = func(instance int, text string) { tell(status.Progress{App: a.name, Instance: instance, Text: text}) }
}

// await waits for the end of a task that the app has.
func (t *task) await(ctx context.Context, a *app) error {
	select {
	case err := <-t.done:
		return err
	case <-a.marks.gone:
	case <-ctx.Done():
	}
	select {
	case err := <-t.done: // gorun may be ending because it is done
		return err
	default:
	}
	if ctx.Err() == nil {
		return ErrStopping
	}
	return ctx.Err() //nolint:wrapcheck // the caller's own word
}

// awaitGone waits until an app that was deleted is forgotten. One that has workers
// left stays.
func (s *Supervisor) awaitGone(ctx context.Context, a *app) error {
	if len(a.look().workers) > 0 {
		return nil
	}
	select {
	case <-a.marks.gone:
	case <-ctx.Done():
		if !closed(a.marks.gone) { // else gorun may be ending because it is
			return ctx.Err() //nolint:wrapcheck // the caller's own word
		}
	}
	s.forget(a)
	return nil
}

// forget drops an app that is gone.
func (s *Supervisor) forget(a *app) {
	s.cast.mu.Lock()
	s.cast.apps = slices.DeleteFunc(slices.Clone(s.cast.apps), func(one *app) bool { return one == a })
	s.cast.mu.Unlock()
	s.tools.wake()
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
	return ask(ctx, found[0].app, &task{verb: spec.Start, size: &size, reason: status.ByManual}, oneAtATime(tell))
}

// workers returns those that the targets name.
func (s *Supervisor) workers(targets []status.Target) ([]*worker, error) {
	apps, err := s.find(targets)
	if err != nil {
		return nil, err
	}
	var found []*worker
	for _, c := range apps {
		for _, w := range c.app.look().workers {
			if c.instances == nil || slices.Contains(c.instances, w.published.Load().Instance) {
				found = append(found, w)
			}
		}
	}
	return found, nil
}

// SignalTargets sends sig to the process trees of the workers, and tells how
// many have one.
func (s *Supervisor) SignalTargets(targets []status.Target, sig unix.Signal) int {
	all, _ := s.workers(targets) // who is gone meanwhile gets none
	n := 0
	for _, w := range all {
		if p := w.running.Load(); p != nil {
			p.Signal(sig)
			n++
		}
	}
	return n
}

// Environ returns the environment that the worker's next process gets.
func (s *Supervisor) Environ(target status.Target) ([]string, error) {
	all, err := s.workers([]status.Target{target})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s/%d", ErrUnknown, target.App, target.Instance)
	}
	st := all[0].published.Load()
	return st.app.Environ(st.Instance, st.ID), nil
}
