package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// order is a command that is under way: the condition on which it is answered.
type order struct {
	*Command
	first   bool      // the first start of the app
	steps   []*update // workers that are to come to a revision
	width   int       // how many of them at a time
	leave   []*slot   // workers that are to be at rest
	resets  []*slot   // workers whose counters are to be zero
	begun   time.Time
	resized bool // the number of workers is the new revision's
	settled time.Time
	noticed bool
}

// update is one worker's step to what an order desires.
type update struct {
	slot  *slot
	to    worker.Update
	start bool // it is at rest: to be started

	sent, done bool
	retried    bool // by a restart, after its replacement failed: reload_fallback
	before     status.Worker
	begun      time.Time
	err        error
}

// rolls reports whether the order gives workers something to run by, or another
// number.
func (o *order) rolls() bool {
	return o.Size != nil || o.Verb == spec.Start || o.Verb == spec.Restart || o.Verb == spec.Reload
}

// startAll starts those of the workers that are at rest.
func (a *App) startAll(c *Command, chosen []*slot) *order {
	a.dropNeeds(ErrSuperseded)
	o := &order{Command: c, begun: time.Now()}
	for _, s := range chosen {
		if s.cancel != nil {
			c.Report(s.Published().Instance, "runs already")
			continue
		}
		o.steps = append(o.steps, &update{slot: s, to: a.update(a.desired.spec, c.Reason), start: true})
	}
	o.width = len(o.steps)
	return o
}

// renew gives the workers new processes: all at once, or for a reload so many at a
// time.
func (a *App) renew(c *Command, chosen []*slot) *order {
	if c.Verb == spec.Restart {
		a.dropNeeds(ErrSuperseded)
	}
	conf := a.desired.spec
	if c.Spec != nil {
		conf = c.Spec
	}
	o := &order{Command: c, begun: time.Now(), width: len(chosen)}
	if c.Verb == spec.Reload {
		o.width = conf.MaxUnavailable(c.Parallel, len(chosen))
	}
	for _, s := range chosen {
		if s.cancel == nil && c.Verb == spec.Reload && s.Published().State != status.Errored {
			c.Report(s.Published().Instance, "does not run, so there is nothing to reload")
			continue
		}
		to := a.update(conf, c.Reason)
		to.Rolling = c.Verb == spec.Reload && s.cancel != nil
		o.steps = append(o.steps, &update{slot: s, to: to, start: s.cancel == nil})
	}
	return o
}

// scale changes how many workers there are. At least one stays.
func (a *App) scale(c *Command) (*order, error) {
	n := c.Size.From(a.count())
	switch {
	case n < 1:
		return nil, fmt.Errorf("cannot scale below 1 worker; use `gorun stop %s`", a.name)
	case a.actual.Phase != Running:
		return nil, fmt.Errorf("app %s does not run; start it first", a.name)
	}
	text := fmt.Sprintf("scale from %d to %d", a.count(), n)
	a.deps.Worker.Record(status.Event{App: a.name, Instance: status.EveryWorker, Kind: "scale", Text: text})
	conf := *a.desired.spec
	conf.Instances = n
	o := &order{Command: c, begun: time.Now()}
	a.resize(o, &conf)
	return o, nil
}

// resize makes a revision that differs in nothing but the number of workers from
// what they run by the app's. New workers start at once, and the newest go first.
func (a *App) resize(o *order, conf *spec.App) {
	o.resized = true
	before := slices.Clone(a.actual.slots)
	a.desired.spec, a.actual.Spec = conf, conf
	a.matchCount()
	if a.actual.Phase == Running {
		for _, s := range a.actual.slots {
			if !slices.Contains(before, s) {
				o.steps = append(o.steps, &update{slot: s, to: a.update(conf, o.Reason), start: true})
			}
		}
		o.width = max(o.width, len(o.steps))
	}
	for _, s := range before {
		if s.remove && s.cancel != nil {
			o.leave = append(o.leave, s)
		}
	}
	a.publish()
}

// stop stops workers, also while something else is under way. Delete forgets them.
func (a *App) stop(c *Command, chosen []*slot) *order {
	if c.Instances == nil {
		a.dropNeeds(worker.ErrStopped)
		if a.actual.Phase == Waiting || a.actual.Phase == Ended {
			a.enter(Stopped)
		}
	}
	o := &order{Command: c, begun: time.Now()}
	for _, s := range chosen {
		s.remove = s.remove || c.Verb == spec.Delete
		if s.cancel != nil {
			s.stop = true
			o.leave = append(o.leave, s)
		}
	}
	if !slices.ContainsFunc(a.actual.slots, func(s *slot) bool { return s.cancel != nil && !s.stop }) {
		a.SetEnding()
	}
	a.desired.exchanged = c.Exchange
	a.desired.gone = c.Verb == spec.Delete && !slices.ContainsFunc(a.actual.slots, func(s *slot) bool { return !s.remove })
	return o
}

// reset sets the counters of restarts to zero.
func reset(c *Command, chosen []*slot) *order {
	for _, s := range chosen {
		s.Reset()
	}
	return &order{Command: c, begun: time.Now(), resets: chosen}
}

// isReset reports whether the worker's counters are zero. One at rest takes the
// request here.
func (s *slot) isReset() bool {
	if s.cancel == nil {
		s.ResetIdle()
	}
	p := s.Published()
	return p.Unstable == 0 && p.RestartsAtReset == p.Restarts
}

// answer brings the orders on, and answers those whose condition holds. It returns
// false when there is nothing to do now.
func (a *App) answer(ctx context.Context) bool {
	for _, o := range a.orders {
		switch {
		case a.advance(ctx, o):
		case !o.holds() || a.isLeaving(o):
			continue
		case o.Spec != nil && o.failure() == nil && !o.resized && !a.desired.gone:
			a.resize(o, o.Spec)
		default:
			a.drop(o)
			a.conclude(ctx, o)
		}
		return true
	}
	return false
}

// advance takes note of the steps that have come to an end, and takes the next one.
// It returns false when there is nothing to do now.
func (a *App) advance(ctx context.Context, o *order) bool {
	under := 0
	for _, u := range o.steps {
		if u.sent && !u.done {
			if a.finish(ctx, o, u) {
				return true
			}
			under++
		}
	}
	if under >= o.width || o.failure() != nil && !o.first {
		return false
	}
	for _, u := range o.steps {
		if !u.sent {
			u.send()
			return true
		}
	}
	return false
}

// send gives the worker its update.
func (u *update) send() {
	u.sent, u.begun, u.before = true, time.Now(), u.slot.Published().Worker
	if u.slot.remove || !u.start && (u.slot.cancel == nil || u.slot.stop) {
		u.done, u.err = true, fmt.Errorf("%s: %w", u.slot.Name(), worker.ErrStopped)
		return
	}
	u.slot.stop = false
	u.slot.target = u.to
}

// finish takes note of a step that has come to its end. It returns false while it
// has not.
func (a *App) finish(ctx context.Context, o *order, u *update) bool {
	ended, err := u.outcome(ctx)
	if !ended {
		return false
	}
	if err != nil && u.to.Rolling && u.to.Spec.ReloadFallback && u.slot.cancel != nil && !u.slot.stop {
		return a.retry(o, u, err)
	}
	u.done = true
	if err != nil {
		u.err = fmt.Errorf("%s: %w", u.slot.Name(), err)
		return true
	}
	verb := o.Verb
	if u.start && o.resized {
		verb = spec.Start
	}
	o.Report(u.before.Instance, verb.Past()+u.slot.Published().Change(u.before, time.Since(u.begun)))
	return true
}

// retry restarts a worker whose replacement has failed, once that is gone.
func (a *App) retry(o *order, u *update, err error) bool {
	if !u.retried {
		u.retried = true
		o.Report(u.before.Instance, "not replaced, so restarted: "+err.Error())
	}
	if u.slot.Published().Leaving > 0 {
		return false
	}
	u.to = a.update(u.to.Spec, u.to.Reason)
	u.slot.target, u.begun = u.to, time.Now()
	return true
}

// outcome is what became of a step that was sent.
func (u *update) outcome(ctx context.Context) (ended bool, err error) {
	p := u.slot.Published()
	switch {
	case p.Update.Number > u.to.Number || u.slot.target.Number > u.to.Number:
		return true, worker.ErrSuperseded
	case p.Update.Number == u.to.Number && p.Update.Done:
		return true, p.Update.Err
	case u.slot.given == u.to.Number && u.slot.cancel == nil:
		return true, worker.ErrStopped
	case ctx.Err() != nil && u.slot.cancel == nil: // it is not started any more
		return true, ErrStopping
	}
	return false, nil
}

// failure is the error of the steps that have come to an end.
func (o *order) failure() error {
	var errs []error
	for _, u := range o.steps {
		errs = append(errs, u.err)
	}
	return errors.Join(errs...)
}

// holds reports whether every step has come to its end, or will not be taken, and
// what is to leave has left.
func (o *order) holds() bool {
	for _, u := range o.steps {
		if u.sent && !u.done || !u.sent && o.failure() == nil {
			return false
		}
	}
	return !slices.ContainsFunc(o.leave, func(s *slot) bool { return s.cancel != nil }) &&
		!slices.ContainsFunc(o.resets, func(s *slot) bool { return !s.isReset() })
}

// leavingNotice is how long invocations that were replaced may take to finish until
// that is reported.
const leavingNotice = time.Second

// isLeaving reports whether an invocation that was replaced, or failed to replace
// another, is still terminating. Where that takes long it is reported, once.
func (a *App) isLeaving(o *order) bool {
	n := 0
	for _, u := range o.steps {
		if u.sent && u.slot.cancel != nil && u.slot.Published().Leaving > 0 {
			n++
		}
	}
	switch {
	case n == 0 || o.noticed:
	case o.settled.IsZero():
		o.settled = time.Now()
		time.AfterFunc(leavingNotice, a.wake)
	case time.Since(o.settled) >= leavingNotice:
		o.noticed = true
		o.Report(status.EveryWorker, strconv.Itoa(n)+" to finish what they serve")
	}
	return n > 0
}

// conclude puts the outcome on record, answers the order and takes up what has waited
// for it.
func (a *App) conclude(ctx context.Context, o *order) {
	err := o.failure()
	if o.Spec != nil && err == nil {
		a.startTriggers(ctx)
	}
	if o.Verb == spec.Reload && o.Size == nil {
		a.actual.Reloads = a.actual.Reloads.Observe(err, time.Since(o.begun))
	}
	text := a.summary(o, err)
	if err == nil && text != "" {
		o.Report(status.EveryWorker, text)
	}
	if o.rolls() && !o.first && len(o.leave) == 0 {
		a.deps.Worker.Record(status.Event{App: a.name, Instance: status.EveryWorker, Kind: o.kind(), Text: text})
	}
	a.publish()
	o.finish(err)
	if !a.busy() {
		a.takeQueued(ctx)
	}
}

// summary is what an order has come to, for people; "" for the first start.
func (a *App) summary(o *order, err error) string {
	switch {
	case o.first:
		return ""
	case err != nil:
		return o.kind() + " failed: " + err.Error()
	case o.Size != nil && len(o.leave) > 0:
		return status.Plural(a.count(), "worker") + " left"
	case o.rolls():
		return o.kind() + " done in " + status.Round(time.Since(o.begun)).String()
	case o.resets != nil:
		return o.Verb.Past()
	}
	return o.Verb.Past() + " " + status.Plural(len(o.leave), "worker")
}
