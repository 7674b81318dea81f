package jobs

import (
	"fmt"
	"slices"

	"gorun/supervisor/app/slots"
	"gorun/supervisor/spec"
)

// Queue has the jobs of one app.
type Queue struct {
	Running []*Job     // that are under way
	waiting []*Command // until none is, one for each reason
}

// Conflict applies the rule for what is under way: a later job of the same kind
// supersedes the earlier one, another kind is refused.
func (q *Queue) Conflict(app string, c *Command, chosen []*slots.Slot) error {
	under, starts := q.underWay(), c.Kind() == spec.Start.String()
	switch {
	case under == nil:
	case under.Kind() != c.Kind():
		return &BusyError{app, under.Kind()}
	case !starts: // both starts may go on
		if c.Spec == nil {
			c.Spec = under.Spec // not back to what the workers are on their way from
		}
		q.Drop(under)
		under.Finish(fmt.Errorf("%s: %w", c.Kind(), ErrSuperseded))
	}
	if starts && slices.ContainsFunc(chosen, func(s *slots.Slot) bool { return s.Runs() && s.Stop }) {
		return &BusyError{app, spec.Stop.String()}
	}
	return nil
}

// underWay is the job that others may conflict with. The first start of an app is
// none: an operator may want something else.
func (q *Queue) underWay() *Job {
	for _, j := range q.Running {
		if j.updatesWorkers() && !j.first {
			return j
		}
	}
	return nil
}

// Busy reports whether a job is under way that gives workers something to run by.
func (q *Queue) Busy() bool { return slices.ContainsFunc(q.Running, (*Job).updatesWorkers) }

// MustWait reports whether a command has to wait for what is under way.
func (q *Queue) MustWait(c *Command) bool {
	return c.QueueIfBusy && q.Busy() || c.QueueUnlessFirstStart && q.underWay() != nil
}

// Add begins a job.
func (q *Queue) Add(j *Job) { q.Running = append(q.Running, j) }

// Drop takes a job off those that are under way.
func (q *Queue) Drop(j *Job) {
	q.Running = slices.DeleteFunc(q.Running, func(one *Job) bool { return one == j })
}

// Enqueue keeps a command until nothing is under way. It holds at most one command
// per reason: a second merges into it. One that has waited is not followed by the
// next: what writes files when it starts would be restarted for ever.
func (q *Queue) Enqueue(c *Command) {
	same := func(other *Command) bool { return other.Reason == c.Reason }
	if slices.ContainsFunc(q.waiting, same) || slices.ContainsFunc(q.Running, func(j *Job) bool { return j.updatesWorkers() && j.queued && same(j.Command) }) {
		c.Finish(nil)
		return
	}
	q.waiting = append(q.waiting, c)
}

// TakeWaiting takes out what has waited.
func (q *Queue) TakeWaiting() []*Command {
	waiting := q.waiting
	q.waiting = nil
	for _, c := range waiting {
		c.queued = true
	}
	return waiting
}
