// Package slots is the set of one app's workers: each with what is desired of it, and
// with the goroutine that it has while it is not at rest. Step does at most one thing
// that brings them closer to that.
//
// All of it belongs to the app's goroutine. Set.Start is the only one that begins a
// goroutine: the worker's own, whose End comes out of Ended.
package slots

import (
	"context"
	"slices"
	"time"

	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// Slot is a worker, and what is desired of it.
type Slot struct {
	*worker.Worker
	Stop   bool // it is to be at rest
	Remove bool // to be forgotten when it is at rest

	target    worker.Update      // what it is to run by
	delivered uint64             // the number of the update that it has been given
	cancel    context.CancelFunc // of its goroutine; nil: it is at rest
	cancelled bool               // it was told so
}

// Runs reports whether the worker has a goroutine.
func (s *Slot) Runs() bool { return s.cancel != nil }

// SetDesired has the worker run by an update.
func (s *Slot) SetDesired(u worker.Update) { s.target = u }

// retryAt is when the worker is to be tried again, as it was given up and nobody has
// cancelled it or started it since; zero: never.
func (s *Slot) retryAt() time.Time {
	if p := s.Published(); !s.Runs() && !s.Stop && !s.Remove && s.target.Number == s.delivered && p.State == status.Errored {
		return p.NextStart()
	}
	return time.Time{}
}

// Outcome is what became of an update that the worker was to be given.
func (s *Slot) Outcome(of worker.Update) (ended bool, err error) {
	p := s.Published()
	switch {
	case p.Update.Number > of.Number || s.target.Number > of.Number:
		return true, worker.ErrSuperseded
	case p.Update.Number == of.Number && p.Update.Done:
		return true, p.Update.Err
	case s.delivered == of.Number && !s.Runs():
		return true, worker.ErrStopped
	}
	return false, nil
}

// IsReset reports whether the worker's counters are zero. One at rest takes the
// request here.
func (s *Slot) IsReset() bool {
	if !s.Runs() {
		s.ResetIdle()
	}
	p := s.Published()
	return p.Unstable == 0 && p.RestartsAtReset == p.Restarts
}

// End is the end of a worker's goroutine.
type End struct {
	Slot *Slot
	Code int // to attribute to the worker
}

// Set is the workers of an app.
type Set struct {
	All   []*Slot  // in the order of their instances
	Ended chan End // to be passed to TakeEnd

	add      func(conf *spec.App, instance int) *worker.Worker
	failures []End
	updates  uint64 // how many updates there were
}

// New returns a set without workers. add makes one, at rest.
func New(add func(conf *spec.App, instance int) *worker.Worker) *Set {
	return &Set{Ended: make(chan End), add: add}
}

// Workers are those of the slots.
func (s *Set) Workers() []*worker.Worker {
	var all []*worker.Worker
	for _, one := range s.All {
		all = append(all, one.Worker)
	}
	return all
}

// AtRest reports whether no worker has a goroutine.
func (s *Set) AtRest() bool { return !slices.ContainsFunc(s.All, (*Slot).Runs) }

// NextRetry is when the next worker that was given up is to be tried again; zero: none is.
func (s *Set) NextRetry() time.Time {
	var next time.Time
	for _, one := range s.All {
		if at := one.retryAt(); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// DueForRetry are the workers that are to be tried again by now.
func (s *Set) DueForRetry(now time.Time) []*Slot {
	return slices.DeleteFunc(slices.Clone(s.All), func(one *Slot) bool {
		at := one.retryAt()
		return at.IsZero() || at.After(now)
	})
}

// Update is the next update of a worker by a revision.
func (s *Set) Update(conf *spec.App, reason status.Reason) worker.Update {
	s.updates++
	return worker.Update{Number: s.updates, Spec: conf, Reason: reason}
}

// Count is how many workers there are that are not to be removed.
func (s *Set) Count() int {
	n := 0
	for _, one := range s.All {
		if !one.Remove {
			n++
		}
	}
	return n
}

// Match makes as many slots as the revision says, and returns the new ones: they get
// the first instance numbers that are free. The newest go first.
func (s *Set) Match(conf *spec.App) (added []*Slot) {
	for s.Count() < conf.Instances {
		instance := 0
		for instance < len(s.All) && s.All[instance].Published().Instance == instance {
			instance++
		}
		one := &Slot{Worker: s.add(conf, instance)}
		s.All, added = slices.Insert(s.All, instance, one), append(added, one)
	}
	for i := len(s.All) - 1; s.Count() > conf.Instances; i-- {
		s.All[i].Remove, s.All[i].Stop = true, true
	}
	return added
}

// Step does at most one thing that brings the workers closer to what is desired; start
// starts one that is at rest. It returns false when there is nothing to do now.
func (s *Set) Step(ctx context.Context, start func(*Slot)) bool {
	for _, one := range s.All {
		switch due := one.target.Number > one.delivered && !one.Stop; {
		case one.Runs() && one.Stop && !one.cancelled:
			one.cancelled = true
			one.cancel()
		case !one.Runs() && one.Remove:
			s.forget(one)
		case !one.Runs() && due && ctx.Err() == nil:
			start(one)
		case one.Runs() && due:
			one.delivered = one.target.Number
			one.Update(one.target)
		default:
			continue
		}
		return true
	}
	return false
}

// Start gives a worker at rest a goroutine.
func (s *Set) Start(ctx, kill context.Context, one *Slot, ports *endpoint.SharedPorts) {
	s.clearFailure(one)
	first := one.target
	one.delivered, one.cancelled = first.Number, false
	var own context.Context
	own, one.cancel = context.WithCancel(ctx)
	go func() { s.Ended <- End{one, one.Run(own, kill, ports, first)} }()
}

// TakeEnd takes note of the end of a worker's goroutine.
func (s *Set) TakeEnd(e End) {
	e.Slot.cancel()
	e.Slot.cancel = nil
	if e.Code != 0 {
		s.failures = append(s.failures, e)
	}
}

// forget drops a worker that is at rest.
func (s *Set) forget(gone *Slot) {
	s.All = slices.DeleteFunc(s.All, func(one *Slot) bool { return one == gone })
	gone.Close()
	s.clearFailure(gone)
}

// clearFailure forgets that a worker has failed.
func (s *Set) clearFailure(of *Slot) {
	s.failures = slices.DeleteFunc(s.failures, func(e End) bool { return e.Slot == of })
}

// ClearFailures forgets that any has.
func (s *Set) ClearFailures() { s.failures = nil }

// Code is the exit code of the first worker that has failed, to attribute to the app.
func (s *Set) Code() int {
	if len(s.failures) == 0 {
		return 0
	}
	return s.failures[0].Code
}
