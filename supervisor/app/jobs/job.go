package jobs

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

// Job is a command that is under way: the condition on which it is answered.
type Job struct {
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

// step is one worker's part of a job.
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

// First is the job to start every worker of an app that was added.
func First(c *Command, set *slots.Set, conf *spec.App) *Job {
	j := &Job{Command: c, set: set, first: true}
	j.start(conf, set.All)
	return j
}

// Start starts those of the workers that are at rest.
func Start(c *Command, set *slots.Set, conf *spec.App, chosen []*slots.Slot) *Job {
	j := &Job{Command: c, set: set, begun: time.Now()}
	j.start(conf, slices.DeleteFunc(slices.Clone(chosen), func(s *slots.Slot) bool {
		if s.Runs() {
			c.Report(s.Published().Instance, "runs already")
		}
		return s.Runs()
	}))
	return j
}

// start adds the steps that start workers at rest.
func (j *Job) start(conf *spec.App, workers []*slots.Slot) {
	for _, s := range workers {
		j.steps = append(j.steps, &step{slot: s, to: j.set.Update(conf, j.Reason), start: true})
	}
	j.maxUnavailable = max(j.maxUnavailable, len(j.steps))
}

// Replace gives the workers new processes: all at once, or for a reload so many at a
// time.
func Replace(c *Command, set *slots.Set, conf *spec.App, chosen []*slots.Slot) *Job {
	j := &Job{Command: c, set: set, begun: time.Now(), maxUnavailable: len(chosen)}
	if c.Verb == spec.Reload {
		j.maxUnavailable = conf.MaxUnavailable(c.Parallel, len(chosen))
	}
	for _, s := range chosen {
		if !s.Runs() && c.Verb == spec.Reload && s.Published().State != status.Errored {
			c.Report(s.Published().Instance, "does not run, so there is nothing to reload")
			continue
		}
		to := set.Update(conf, c.Reason)
		to.Rolling = c.Verb == spec.Reload && s.Runs()
		j.steps = append(j.steps, &step{slot: s, to: to, start: !s.Runs()})
	}
	return j
}

// Scale is without steps: those come with Resize.
func Scale(c *Command, set *slots.Set) *Job {
	return &Job{Command: c, set: set, begun: time.Now()}
}

// Resize has the job wait for the workers that are new with a revision, which start at
// once, and for those that are to leave with it.
func (j *Job) Resize(conf *spec.App, added []*slots.Slot) {
	j.resized = true
	j.start(conf, added)
	for _, s := range j.set.All {
		if s.Remove && s.Runs() {
			j.leave = append(j.leave, s)
		}
	}
}

// IsToResize reports whether the workers have come to a revision whose number of them
// is still to be made true.
func (j *Job) IsToResize() bool { return j.Spec != nil && j.failure() == nil && !j.resized }

// Stop stops workers. Delete forgets them.
func Stop(c *Command, set *slots.Set, chosen []*slots.Slot) *Job {
	j := &Job{Command: c, set: set, begun: time.Now()}
	for _, s := range chosen {
		s.Remove = s.Remove || c.Verb == spec.Delete
		switch {
		case s.Runs():
			s.Stop = true
			j.leave = append(j.leave, s)
		case s.Published().State == status.Errored:
			s.CancelRetry()
		}
	}
	return j
}

// Reset sets the counters of restarts to zero.
func Reset(c *Command, chosen []*slots.Slot) *Job {
	for _, s := range chosen {
		s.Reset()
	}
	return &Job{Command: c, begun: time.Now(), resets: chosen}
}

// updatesWorkers reports whether the job gives workers something to run by, or another
// number.
func (j *Job) updatesWorkers() bool {
	return j.Size != nil || j.Verb == spec.Start || j.Verb == spec.Restart || j.Verb == spec.Reload
}

// Step takes note of the steps that have come to an end, and takes the next one.
// It returns false when there is nothing to do now.
func (j *Job) Step(ctx context.Context) bool {
	under := 0
	for _, s := range j.steps {
		if s.sent && !s.done {
			if j.finish(ctx, s) {
				return true
			}
			under++
		}
	}
	if under >= j.maxUnavailable || j.failure() != nil && !j.first {
		return false
	}
	for _, s := range j.steps {
		if !s.sent {
			s.send()
			return true
		}
	}
	return false
}

// send gives the worker its update.
func (s *step) send() {
	s.sent, s.begun, s.before = true, time.Now(), s.slot.Published().Worker
	if s.slot.Remove || !s.start && (!s.slot.Runs() || s.slot.Stop) {
		s.done, s.err = true, fmt.Errorf("%s: %w", s.slot.Name(), worker.ErrStopped)
		return
	}
	s.slot.Stop = false
	s.slot.SetDesired(s.to)
}

// finish takes note of a step that has come to its end. It returns false while it
// has not.
func (j *Job) finish(ctx context.Context, s *step) bool {
	ended, err := s.slot.Outcome(s.to)
	if !ended && ctx.Err() != nil && !s.slot.Runs() { // it is not started any more
		ended, err = true, ErrStopping
	}
	if !ended {
		return false
	}
	if err != nil && s.to.Rolling && s.to.Spec.ReloadFallback && j.Reason != status.ByMemory && s.slot.Runs() && !s.slot.Stop {
		return j.retry(s, err)
	}
	s.done = true
	if err != nil {
		s.err = fmt.Errorf("%s: %w", s.slot.Name(), err)
		return true
	}
	verb := j.Verb
	if s.start && j.resized {
		verb = spec.Start
	} else if verb == spec.Reload && j.hasGap() {
		verb = spec.Restart
	}
	j.Report(s.before.Instance, verb.Past()+s.slot.Published().Change(s.before, time.Since(s.begun)))
	return true
}

// retry restarts a worker whose replacement has failed, once that is gone.
func (j *Job) retry(s *step, err error) bool {
	if !s.retried {
		s.retried = true
		j.Report(s.before.Instance, "not replaced, so restarted: "+err.Error())
	}
	if s.slot.Published().Leaving > 0 {
		return false
	}
	s.to, s.begun = j.set.Update(s.to.Spec, s.to.Reason), time.Now()
	s.slot.SetDesired(s.to)
	return true
}

// failure is the error of the steps that have come to an end.
func (j *Job) failure() error {
	var errs []error
	for _, s := range j.steps {
		errs = append(errs, s.err)
	}
	return errors.Join(errs...)
}

// IsDone reports whether every step has come to its end, or will not be taken, and
// what is to leave has left.
func (j *Job) IsDone() bool {
	for _, s := range j.steps {
		if s.sent && !s.done || !s.sent && j.failure() == nil {
			return false
		}
	}
	return !slices.ContainsFunc(j.leave, (*slots.Slot).Runs) &&
		!slices.ContainsFunc(j.resets, func(s *slots.Slot) bool { return !s.IsReset() })
}

// leavingNotice is how long invocations that were replaced may take to finish until
// that is reported.
const leavingNotice = time.Second

// IsLeaving reports whether an invocation that was replaced, or failed to replace
// another, is still terminating. Where that takes long it is reported, once: wake has
// the app ask again then.
func (j *Job) IsLeaving(wake func()) bool {
	n := 0
	for _, s := range j.steps {
		if s.sent && s.slot.Runs() && s.slot.Published().Leaving > 0 {
			n++
		}
	}
	switch {
	case n == 0 || j.noticed:
	case j.settled.IsZero():
		j.settled = time.Now()
		time.AfterFunc(leavingNotice, wake)
	case time.Since(j.settled) >= leavingNotice:
		j.noticed = true
		j.Report(status.EveryWorker, strconv.Itoa(n)+" still draining")
	}
	return n > 0
}

// Result is what a job has come to.
type Result struct {
	Err      error
	Text     string // for people; "": for nobody
	Journal  bool   // it belongs into the journal
	Reloaded bool   // it was a reload
	Took     time.Duration
}

// Result reports the outcome to whoever has given the command, and returns it for the app's record.
func (j *Job) Result() Result {
	r := Result{
		Err: j.failure(), Journal: j.updatesWorkers() && !j.first && len(j.leave) == 0,
		Reloaded: j.Verb == spec.Reload && j.Size == nil, Took: time.Since(j.begun),
	}
	r.Text = j.summary(r.Err)
	if r.Err == nil && r.Text != "" {
		j.Report(status.EveryWorker, r.Text)
	}
	return r
}

// hasGap reports whether no two invocations of a worker can serve at once: then a reload
// is a restart.
func (j *Job) hasGap() bool { return len(j.steps) > 0 && j.steps[0].to.Spec.Sharing == spec.ShareNone }

// summary is what a job has come to, for people; "" for the first start.
func (j *Job) summary(err error) string {
	switch {
	case j.first:
		return ""
	case err != nil:
		return j.Kind() + " failed: " + err.Error()
	case j.Size != nil && len(j.leave) > 0:
		return status.Plural(j.set.Count(), "worker") + " remain"
	case j.updatesWorkers() && j.Verb == spec.Reload && j.hasGap():
		return "restarted in " + status.Round(time.Since(j.begun)).String() + " (fork mode: with a gap; exec_mode: cluster has none)"
	case j.updatesWorkers():
		return j.Kind() + " done in " + status.Round(time.Since(j.begun)).String()
	case j.resets != nil:
		return j.Verb.Past()
	}
	return j.Verb.Past() + " " + status.Plural(len(j.leave), "worker")
}
