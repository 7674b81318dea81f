package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gorun/supervisor/app/slots"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// Order is a command that is under way: the condition on which it is answered.
type Order struct {
	*Command
	set            *slots.Set
	first          bool          // the first start of the app
	steps          []*step       // workers that are to come to a revision
	maxUnavailable int           // how many of them at a time
	leave          []*slots.Slot // workers that are to be at rest
	resets         []*slots.Slot // workers whose counters are to be zero
	begun          time.Time
	resized        bool // the number of workers is the new revision's
	settled        time.Time
	noticed        bool
}

// step is one worker's to what an order desires.
type step struct {
	slot  *slots.Slot
	to    worker.Update
	start bool // it is at rest: to be started

	sent, done bool
	retried    bool // by a restart, after its replacement failed: reload_fallback
	before     status.Worker
	begun      time.Time
	err        error
}

// First is the order to start every worker of an app that was added.
func First(c *Command, set *slots.Set, conf *spec.App) *Order {
	o := &Order{Command: c, set: set, first: true}
	o.start(conf, set.All)
	return o
}

// Start starts those of the workers that are at rest.
func Start(c *Command, set *slots.Set, conf *spec.App, chosen []*slots.Slot) *Order {
	o := &Order{Command: c, set: set, begun: time.Now()}
	o.start(conf, slices.DeleteFunc(slices.Clone(chosen), func(s *slots.Slot) bool {
		if s.Runs() {
			c.Report(s.Published().Instance, "runs already")
		}
		return s.Runs()
	}))
	return o
}

// start adds the steps that start workers at rest.
func (o *Order) start(conf *spec.App, workers []*slots.Slot) {
	for _, s := range workers {
		o.steps = append(o.steps, &step{slot: s, to: o.set.Update(conf, o.Reason), start: true})
	}
	o.maxUnavailable = max(o.maxUnavailable, len(o.steps))
}

// Renew gives the workers new processes: all at once, or for a reload so many at a
// time.
func Renew(c *Command, set *slots.Set, conf *spec.App, chosen []*slots.Slot) *Order {
	o := &Order{Command: c, set: set, begun: time.Now(), maxUnavailable: len(chosen)}
	if c.Verb == spec.Reload {
		o.maxUnavailable = conf.MaxUnavailable(c.Parallel, len(chosen))
	}
	for _, s := range chosen {
		if !s.Runs() && c.Verb == spec.Reload && s.Published().State != status.Errored {
			c.Report(s.Published().Instance, "does not run, so there is nothing to reload")
			continue
		}
		to := set.Update(conf, c.Reason)
		to.Rolling = c.Verb == spec.Reload && s.Runs()
		o.steps = append(o.steps, &step{slot: s, to: to, start: !s.Runs()})
	}
	return o
}

// Scale is without steps: those come with Resize.
func Scale(c *Command, set *slots.Set) *Order {
	return &Order{Command: c, set: set, begun: time.Now()}
}

// Resize has the order wait for the workers that are new with a revision, which start at
// once, and for those that are to leave with it.
func (o *Order) Resize(conf *spec.App, added []*slots.Slot) {
	o.resized = true
	o.start(conf, added)
	for _, s := range o.set.All {
		if s.Remove && s.Runs() {
			o.leave = append(o.leave, s)
		}
	}
}

// IsToResize reports whether the workers have come to a revision whose number of them
// is still to be made true.
func (o *Order) IsToResize() bool { return o.Spec != nil && o.failure() == nil && !o.resized }

// Stop stops workers. Delete forgets them.
func Stop(c *Command, set *slots.Set, chosen []*slots.Slot) *Order {
	o := &Order{Command: c, set: set, begun: time.Now()}
	for _, s := range chosen {
		s.Remove = s.Remove || c.Verb == spec.Delete
		switch {
		case s.Runs():
			s.Stop = true
			o.leave = append(o.leave, s)
		case s.Published().State == status.Errored:
			s.CancelRetry()
		}
	}
	return o
}

// Reset sets the counters of restarts to zero.
func Reset(c *Command, chosen []*slots.Slot) *Order {
	for _, s := range chosen {
		s.Reset()
	}
	return &Order{Command: c, begun: time.Now(), resets: chosen}
}

// rolls reports whether the order gives workers something to run by, or another
// number.
func (o *Order) rolls() bool {
	return o.Size != nil || o.Verb == spec.Start || o.Verb == spec.Restart || o.Verb == spec.Reload
}

// Advance takes note of the steps that have come to an end, and takes the next one.
// It returns false when there is nothing to do now.
func (o *Order) Advance(ctx context.Context) bool {
	under := 0
	for _, u := range o.steps {
		if u.sent && !u.done {
			if o.finish(ctx, u) {
				return true
			}
			under++
		}
	}
	if under >= o.maxUnavailable || o.failure() != nil && !o.first {
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
func (u *step) send() {
	u.sent, u.begun, u.before = true, time.Now(), u.slot.Published().Worker
	if u.slot.Remove || !u.start && (!u.slot.Runs() || u.slot.Stop) {
		u.done, u.err = true, fmt.Errorf("%s: %w", u.slot.Name(), worker.ErrStopped)
		return
	}
	u.slot.Stop = false
	u.slot.SetDesired(u.to)
}

// finish takes note of a step that has come to its end. It returns false while it
// has not.
func (o *Order) finish(ctx context.Context, u *step) bool {
	ended, err := u.slot.Outcome(u.to)
	if !ended && ctx.Err() != nil && !u.slot.Runs() { // it is not started any more
		ended, err = true, ErrStopping
	}
	if !ended {
		return false
	}
	if err != nil && u.to.Rolling && u.to.Spec.ReloadFallback && o.Reason != status.ByMemory && u.slot.Runs() && !u.slot.Stop {
		return o.retry(u, err)
	}
	u.done = true
	if err != nil {
		u.err = fmt.Errorf("%s: %w", u.slot.Name(), err)
		return true
	}
	verb := o.Verb
	if u.start && o.resized {
		verb = spec.Start
	} else if verb == spec.Reload && o.gap() {
		verb = spec.Restart
	}
	o.Report(u.before.Instance, verb.Past()+u.slot.Published().Change(u.before, time.Since(u.begun)))
	return true
}

// retry restarts a worker whose replacement has failed, once that is gone.
func (o *Order) retry(u *step, err error) bool {
	if !u.retried {
		u.retried = true
		o.Report(u.before.Instance, "not replaced, so restarted: "+err.Error())
	}
	if u.slot.Published().Leaving > 0 {
		return false
	}
	u.to, u.begun = o.set.Update(u.to.Spec, u.to.Reason), time.Now()
	u.slot.SetDesired(u.to)
	return true
}

// failure is the error of the steps that have come to an end.
func (o *Order) failure() error {
	var errs []error
	for _, u := range o.steps {
		errs = append(errs, u.err)
	}
	return errors.Join(errs...)
}

// Holds reports whether every step has come to its end, or will not be taken, and
// what is to leave has left.
func (o *Order) Holds() bool {
	for _, u := range o.steps {
		if u.sent && !u.done || !u.sent && o.failure() == nil {
			return false
		}
	}
	return !slices.ContainsFunc(o.leave, (*slots.Slot).Runs) &&
		!slices.ContainsFunc(o.resets, func(s *slots.Slot) bool { return !s.IsReset() })
}

// leavingNotice is how long invocations that were replaced may take to finish until
// that is reported.
const leavingNotice = time.Second

// IsLeaving reports whether an invocation that was replaced, or failed to replace
// another, is still terminating. Where that takes long it is reported, once: wake has
// the app ask again then.
func (o *Order) IsLeaving(wake func()) bool {
	n := 0
	for _, u := range o.steps {
		if u.sent && u.slot.Runs() && u.slot.Published().Leaving > 0 {
			n++
		}
	}
	switch {
	case n == 0 || o.noticed:
	case o.settled.IsZero():
		o.settled = time.Now()
		time.AfterFunc(leavingNotice, wake)
	case time.Since(o.settled) >= leavingNotice:
		o.noticed = true
		o.Report(status.EveryWorker, strconv.Itoa(n)+" still draining")
	}
	return n > 0
}

// Result is what an order has come to.
type Result struct {
	Err      error
	Text     string // for people; "": for nobody
	Record   bool   // it belongs into the journal
	Reloaded bool   // it was a reload
	Took     time.Duration
}

// Result tells whoever has given the order, and is for the app to put on record.
func (o *Order) Result() Result {
	r := Result{
		Err: o.failure(), Record: o.rolls() && !o.first && len(o.leave) == 0,
		Reloaded: o.Verb == spec.Reload && o.Size == nil, Took: time.Since(o.begun),
	}
	r.Text = o.summary(r.Err)
	if r.Err == nil && r.Text != "" {
		o.Report(status.EveryWorker, r.Text)
	}
	return r
}

// gap reports whether no two invocations of a worker can serve at once: then a reload
// is a restart.
func (o *Order) gap() bool { return len(o.steps) > 0 && o.steps[0].to.Spec.Sharing == spec.ShareNone }

// summary is what an order has come to, for people; "" for the first start.
func (o *Order) summary(err error) string {
	switch {
	case o.first:
		return ""
	case err != nil:
		return o.Kind() + " failed: " + err.Error()
	case o.Size != nil && len(o.leave) > 0:
		return status.Plural(o.set.Count(), "worker") + " remain"
	case o.rolls() && o.Verb == spec.Reload && o.gap():
		return "restarted in " + status.Round(time.Since(o.begun)).String() + " (fork mode: with a gap; exec_mode: cluster has none)"
	case o.rolls():
		return o.Kind() + " done in " + status.Round(time.Since(o.begun)).String()
	case o.resets != nil:
		return o.Verb.Past()
	}
	return o.Verb.Past() + " " + status.Plural(len(o.leave), "worker")
}
