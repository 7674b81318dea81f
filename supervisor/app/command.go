package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// BusyError is the answer to an order that would get into the way of another.
type BusyError struct{ App, What string }

// Error names what is under way.
func (e *BusyError) Error() string {
	return fmt.Sprintf("a %s of %s is under way; wait for its end", e.What, e.App)
}

// Conflict marks it as one for HTTP.
func (*BusyError) Conflict() {}

// What else an order may be answered.
var (
	ErrStopping   = errors.New("gorun is stopping")
	ErrUnknown    = errors.New("no such app or worker")
	ErrSuperseded = errors.New("superseded by a later order")
)

// Command is an order, as it concerns one app. Whoever makes it does not touch it
// after it was sent: it is the app's then.
type Command struct {
	Verb       spec.Verb
	Size       *spec.Size // not nil: the app is to be scaled
	Instances  []int      // nil: every worker
	Spec       *spec.App  // the revision to run by from now on; nil: as before
	Parallel   int        // workers that a reload replaces at a time; 0: as the app says
	Reason     status.Reason
	Exchange   bool                            // of a Delete: another app takes the place
	Background bool                            // nobody waits: it is queued while another one is under way, not refused
	Report     func(instance int, text string) // gets the news, one at a time

	queued bool // it has waited for another one
	done   chan error
}

// Prepare makes a command ready to be sent, or to be the first of its app.
func (c *Command) Prepare(report func(instance int, text string)) {
	c.Report, c.done = report, make(chan error, 1)
}

// kind is what the command is called.
func (c *Command) kind() string {
	if c.Size != nil {
		return "scale"
	}
	return c.Verb.String()
}

func (c *Command) finish(err error) { c.done <- err }

// Do has the app carry out a command that was prepared, and waits for its end.
func (a *App) Do(ctx context.Context, c *Command) error {
	select {
	case a.commands <- c:
	case <-a.marks.gone:
		return ErrStopping
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller's own word
	}
	return a.Await(ctx, c)
}

// Await waits for the end of a command that the app has.
func (a *App) Await(ctx context.Context, c *Command) error {
	select {
	case err := <-c.done:
		return err
	case <-a.marks.gone:
	case <-ctx.Done():
	}
	select {
	case err := <-c.done: // gorun may be ending because it is done
		return err
	default:
	}
	if ctx.Err() == nil {
		return ErrStopping
	}
	return ctx.Err() //nolint:wrapcheck // the caller's own word
}

// accept sets what a command desires, or answers it.
func (a *App) accept(ctx context.Context, c *Command) {
	if c.Background && a.busy() && ctx.Err() == nil && !a.desired.gone {
		a.queue(c)
		return
	}
	o, err := a.admit(ctx, c)
	if err != nil {
		c.finish(err)
		return
	}
	a.orders = append(a.orders, o)
}

// admit makes an order of a command, unless it is refused.
func (a *App) admit(ctx context.Context, c *Command) (*order, error) {
	switch {
	case ctx.Err() != nil:
		return nil, ErrStopping
	case a.desired.gone:
		return nil, fmt.Errorf("%w: app %s is being deleted", ErrUnknown, a.name)
	}
	chosen, err := a.chosen(c)
	if err != nil {
		return nil, err
	}
	if c.Size == nil {
		switch c.Verb {
		case spec.Stop, spec.Delete:
			return a.stop(c, chosen), nil
		case spec.Reset:
			return reset(c, chosen), nil
		case spec.Start, spec.Restart, spec.Reload:
		}
	}
	if err := a.conflict(c, chosen); err != nil {
		return nil, err
	}
	if c.Size != nil {
		return a.scale(c)
	}
	if c.Verb == spec.Start {
		return a.startAll(c, chosen), nil
	}
	return a.renew(c, chosen), nil
}

// conflict applies the rule for what is under way: a later order of the same kind
// supersedes the earlier one, another kind is refused.
func (a *App) conflict(c *Command, chosen []*slot) error {
	under, starts := a.underWay(), c.kind() == spec.Start.String()
	switch {
	case under == nil:
	case under.kind() != c.kind():
		return &BusyError{a.name, under.kind()}
	case !starts: // both starts may go on
		if c.Spec == nil {
			c.Spec = under.Spec // not back to what the workers are on their way from
		}
		a.drop(under)
		under.finish(fmt.Errorf("%s: %w", c.kind(), ErrSuperseded))
	}
	if starts && slices.ContainsFunc(chosen, func(s *slot) bool { return s.cancel != nil && s.stop }) {
		return &BusyError{a.name, spec.Stop.String()}
	}
	return nil
}

// underWay is the order that others may conflict with. The first start of an app is
// none: an operator may want something else.
func (a *App) underWay() *order {
	for _, o := range a.orders {
		if o.rolls() && !o.first {
			return o
		}
	}
	return nil
}

// busy reports whether what nobody waits for has to wait.
func (a *App) busy() bool {
	return slices.ContainsFunc(a.orders, (*order).rolls)
}

// drop takes an order off those that are under way.
func (a *App) drop(o *order) {
	a.orders = slices.DeleteFunc(a.orders, func(one *order) bool { return one == o })
}

// queue keeps a command until nothing is under way. It holds at most one command
// per reason: a second merges into it. One that has waited is not followed by the
// next: what writes files when it starts would be restarted for ever.
func (a *App) queue(c *Command) {
	same := func(other *Command) bool { return other.Reason == c.Reason }
	if slices.ContainsFunc(a.queued, same) || slices.ContainsFunc(a.orders, func(o *order) bool { return o.rolls() && o.queued && same(o.Command) }) {
		c.finish(nil)
		return
	}
	a.queued = append(a.queued, c)
}

// takeQueued takes up what has waited. An app that somebody has stopped meanwhile is
// left alone.
func (a *App) takeQueued(ctx context.Context) {
	waiting := a.queued
	a.queued = nil
	for _, c := range waiting {
		c.queued = true
		if a.actual.Phase == Stopped {
			c.finish(nil)
		} else {
			a.accept(ctx, c)
		}
	}
}

func (a *App) refuseQueued() {
	for _, c := range a.queued {
		c.finish(ErrStopping)
	}
	a.queued = nil
}

// chosen returns the workers that a command is about. With a revision that has fewer
// of them, the others go when these were replaced.
func (a *App) chosen(c *Command) ([]*slot, error) {
	if c.Instances == nil {
		all := slices.Clone(a.actual.slots)
		if c.Spec != nil && c.Spec.Instances < len(all) && a.actual.Phase == Running {
			all = all[:c.Spec.Instances]
		}
		return all, nil
	}
	var found []*slot
	for _, s := range a.actual.slots {
		if slices.Contains(c.Instances, s.Published().Instance) {
			found = append(found, s)
		}
	}
	if len(found) < len(c.Instances) {
		return nil, fmt.Errorf("%w: app %s has %s", ErrUnknown, a.name, status.Plural(len(a.actual.slots), "worker"))
	}
	return found, nil
}
