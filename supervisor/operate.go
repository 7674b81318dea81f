package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"gorun/supervisor/app"
	"gorun/supervisor/app/jobs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

func oneAtATime(report func(status.Progress)) func(status.Progress) {
	var mu sync.Mutex
	return func(p status.Progress) {
		mu.Lock()
		defer mu.Unlock()
		report(p)
	}
}

// Scale changes how many workers an app has, and returns when the new ones are
// online, or those too many are gone.
func (s *Supervisor) Scale(ctx context.Context, name string, size spec.Size, report func(status.Progress)) error {
	a, err := s.apps.named(name)
	if err != nil {
		return err
	}
	return do(ctx, a, &jobs.Command{Size: &size, Reason: status.ByManual}, oneAtATime(report))
}

// Environ returns the environment that the worker's next process gets.
func (s *Supervisor) Environ(target status.Target) ([]string, error) {
	all, err := s.apps.workers([]status.Target{target})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s/%d", jobs.ErrUnknown, target.App, target.Instance)
	}
	p := all[0].Published()
	return p.Spec.Environ(p.Instance, p.ID), nil
}

// Do carries out an order and returns when that is done, or ctx has ended: what
// is under way goes on then. The news come from several goroutines, one at a
// time.
func (s *Supervisor) Do(ctx context.Context, o spec.Order, report func(status.Progress)) error {
	return s.apps.carryOut(ctx, o, oneAtATime(report))
}

// carryOut is Supervisor.Do, for news that come one at a time.
func (s *apps) carryOut(ctx context.Context, o spec.Order, report func(status.Progress)) error {
	apps, err := s.find(o.Targets)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, len(apps))
	reason := status.ByManual
	if o.Verb == spec.Reload {
		reason = status.ByReload
	}
	for i, chosen := range apps {
		c := &jobs.Command{Verb: o.Verb, Instances: chosen.instances, Parallel: o.Parallel, Reason: reason}
		all.Go(func() {
			errs[i] = do(ctx, chosen.app, c, report)
			if o.Verb == spec.Delete && errs[i] == nil {
				errs[i] = s.awaitGone(ctx, chosen.app)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// do has an app carry out a command, and waits for its end.
func do(ctx context.Context, a *app.App, c *jobs.Command, report func(status.Progress)) error {
	c.Prepare(reporter(a, report))
	return a.Do(ctx, c) //nolint:wrapcheck // it names the app or the worker
}

// reporter passes the news of an app on.
func reporter(a *app.App, report func(status.Progress)) func(int, string) {
	return func(instance int, text string) {
		report(status.Progress{App: a.Name(), Instance: instance, Text: text})
	}
}
