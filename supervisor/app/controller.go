package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gorun/supervisor/app/jobs"
	"gorun/supervisor/app/slots"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// controller brings an app to what is desired of it. All of it belongs to the goroutine
// in Run.
type controller struct {
	app      *App
	desired  desired
	actual   actual
	slots    *slots.Set
	jobs     jobs.Queue
	start    firstStart
	triggers triggers
	retry    *time.Timer // when a worker that was given up is tried again
}

// desired is what the app is to come to.
type desired struct {
	spec      *spec.App // the revision that every worker is to run by; its Instances is their number
	gone      bool      // it is deleted: to be forgotten when the last worker is at rest
	exchanged bool      // another app takes its place then
}

// actual is what it has come to.
type actual struct {
	Published
	lastStopped bool // the worker that ended last was stopped by the operator
}

// publish gives others a copy of what the app's goroutine knows.
func (c *controller) publish() {
	p := c.actual.Published
	p.Workers = c.slots.Workers()
	c.app.published.Store(&p)
	c.app.deps.Changed()
}

// enter takes the app to a phase.
func (c *controller) enter(to Phase) {
	c.actual.Phase, c.actual.PhaseSeq = to, c.app.deps.PhaseSeq.Add(1)
	c.publish()
}

// run is App.Run.
func (c *controller) run(ctx, kill context.Context, first *jobs.Command) (deleted bool) {
	c.begin(ctx, first)
	left, stop := c.app.conditions, ctx.Done()
	defer c.retry.Stop()
	for {
		for c.step(ctx, kill) || c.answer(ctx) {
		}
		left = left.reach(c.app.Published())
		c.awaitRetry()
		if c.slots.AtRest() && len(c.jobs.Running) == 0 && (stop == nil || c.desired.gone) {
			c.triggers.stop()
			for _, waiting := range c.jobs.TakeWaiting() {
				waiting.Finish(jobs.ErrStopping)
			}
			return c.desired.gone && !c.desired.exchanged
		}
		select {
		case <-c.app.changed:
		case e := <-c.slots.Ended:
			c.takeEnd(e)
		case met := <-c.start.next:
			c.proceed(ctx, met)
		case command := <-c.app.commands:
			c.accept(ctx, command)
		case <-c.retry.C:
			c.retryErrored()
		case <-stop:
			stop = nil
		}
	}
}

// awaitRetry has the goroutine wake up when the next worker that was given up is to be
// tried again. What is under way comes first.
func (c *controller) awaitRetry() {
	c.retry.Stop()
	at := c.slots.NextRetry()
	mayStart := (c.actual.Phase == Running || c.actual.Phase == Ended) && !c.desired.gone
	if !at.IsZero() && mayStart && !c.jobs.Busy() {
		c.retry.Reset(max(time.Until(at), 0))
	}
}

// retryErrored starts the workers that were given up so long ago.
func (c *controller) retryErrored() {
	for _, s := range c.slots.DueForRetry(time.Now()) {
		c.app.deps.Worker.Log.Info("trying an errored worker again", "worker", s.Name())
		s.SetDesired(c.slots.Update(c.desired.spec, status.ByRetry))
	}
}

// begin says that the workers are to be started, unless they are not.
func (c *controller) begin(ctx context.Context, first *jobs.Command) {
	c.start = firstStart{by: first, dependencies: c.app.dependencies}
	c.actual.schedule = c.triggers.start(ctx, c.desired.spec)
	if c.desired.spec.Autostart {
		c.enter(Waiting)
		c.awaitNext(ctx)
	} else {
		c.enter(Ended)
		c.start.answer(nil)
	}
}

// step does at most one thing that brings the workers closer to what is desired. It
// returns false when there is nothing to do now.
func (c *controller) step(ctx, kill context.Context) bool {
	if c.slots.Step(ctx, func(s *slots.Slot) { c.startWorker(ctx, kill, s) }) {
		c.attributeCode()
		return true
	}
	return c.actual.Phase == Running && c.leaveRunning(ctx)
}

// startWorker gives a worker at rest a goroutine.
func (c *controller) startWorker(ctx, kill context.Context, s *slots.Slot) {
	if c.actual.Ports == nil {
		c.actual.Ports = endpoint.NewSharedPorts(c.desired.spec, c.app.deps.Worker.Deps.Deps)
	}
	if c.actual.Phase != Running {
		c.slots.ClearFailures()
		c.actual.Completed, c.actual.Blocked = false, ""
		c.enter(Running)
	}
	c.actual.Ports.SetTerminating(false)
	c.slots.Start(ctx, kill, s, c.actual.Ports)
}

// takeEnd notes the end of a worker's goroutine. The last to end decides what becomes
// of the app.
func (c *controller) takeEnd(e slots.End) {
	c.slots.TakeEnd(e)
	c.actual.lastStopped = e.Slot.Stop && (!e.Slot.Remove || c.desired.gone)
	c.attributeCode()
}

// attributeCode takes the code of the first worker that has failed for the app's.
func (c *controller) attributeCode() {
	c.actual.Code = c.slots.Code()
	c.publish()
}

// leaveRunning takes the app out of its running phase when the last worker is at rest:
// from then on its ports refuse. It returns false while one is not.
func (c *controller) leaveRunning(ctx context.Context) bool {
	if !c.slots.AtRest() {
		return false
	}
	c.actual.Ports.Close()
	c.actual.Ports = nil
	c.actual.Completed = c.actual.Code == 0 && ctx.Err() == nil && !c.actual.lastStopped
	if c.actual.lastStopped {
		c.enter(Stopped)
	} else {
		c.enter(Ended)
	}
	c.actual.lastStopped = false
	return true
}

// accept sets what a command desires, or answers it.
func (c *controller) accept(ctx context.Context, command *jobs.Command) {
	if c.jobs.MustWait(command) && ctx.Err() == nil && !c.desired.gone {
		c.jobs.Enqueue(command)
		return
	}
	j, err := c.admit(ctx, command)
	if err != nil {
		command.Finish(err)
		return
	}
	c.jobs.Add(j)
}

// admit makes a job of a command, unless it is refused.
func (c *controller) admit(ctx context.Context, command *jobs.Command) (*jobs.Job, error) {
	switch {
	case ctx.Err() != nil:
		return nil, jobs.ErrStopping
	case c.desired.gone:
		return nil, fmt.Errorf("%w: app %s is being deleted", jobs.ErrUnknown, c.app.name)
	}
	chosen, err := c.chosen(command)
	if err != nil {
		return nil, err
	}
	if command.Size == nil {
		switch command.Verb {
		case spec.Stop, spec.Delete:
			return c.stop(command, chosen), nil
		case spec.Reset:
			return jobs.Reset(command, chosen), nil
		case spec.Start, spec.Restart, spec.Reload:
		}
	}
	if err := c.jobs.Conflict(c.app.name, command, chosen); err != nil {
		return nil, err //nolint:wrapcheck // it names the app
	}
	if command.Size != nil {
		return c.scale(command)
	}
	if command.Verb != spec.Reload {
		c.dropStart(jobs.ErrSuperseded)
	}
	if command.Verb == spec.Start {
		return jobs.Start(command, c.slots, c.desired.spec, chosen), nil
	}
	return jobs.Replace(command, c.slots, cmp.Or(command.Spec, c.desired.spec), chosen), nil
}

// chosen returns the workers that a command is about. With a revision that has fewer
// of them, the others go when these were replaced.
func (c *controller) chosen(command *jobs.Command) ([]*slots.Slot, error) {
	if command.Instances == nil {
		all := slices.Clone(c.slots.All)
		if command.Spec != nil && command.Spec.Instances < len(all) && c.actual.Phase == Running {
			all = all[:command.Spec.Instances]
		}
		return all, nil
	}
	found := slices.DeleteFunc(slices.Clone(c.slots.All), func(s *slots.Slot) bool {
		return !slices.Contains(command.Instances, s.Published().Instance)
	})
	if len(found) < len(command.Instances) {
		return nil, fmt.Errorf("%w: app %s has %s", jobs.ErrUnknown, c.app.name, status.Plural(len(c.slots.All), "worker"))
	}
	return found, nil
}

// scale changes how many workers there are. At least one stays.
func (c *controller) scale(command *jobs.Command) (*jobs.Job, error) {
	now := c.slots.Count()
	n := command.Size.From(now)
	switch {
	case n < 1:
		return nil, fmt.Errorf("cannot scale below 1 worker; use `gorun stop %s`", c.app.name)
	case c.actual.Phase != Running:
		return nil, fmt.Errorf("app %s does not run; start it first", c.app.name)
	}
	c.journal("scale", fmt.Sprintf("scale from %d to %d", now, n))
	conf := *c.desired.spec
	conf.Instances = n
	j := jobs.Scale(command, c.slots)
	c.resize(j, &conf)
	return j, nil
}

// resize makes a revision that differs in nothing but the number of workers from
// what they run by the app's. New workers start at once, and the newest go first.
func (c *controller) resize(j *jobs.Job, conf *spec.App) {
	c.desired.spec, c.actual.Spec = conf, conf
	added := c.slots.Match(conf)
	if c.actual.Phase != Running {
		added = nil
	}
	j.Resize(conf, added)
	c.publish()
}

// stop stops workers, also while something else is under way.
func (c *controller) stop(command *jobs.Command, chosen []*slots.Slot) *jobs.Job {
	if command.Instances == nil {
		c.dropStart(worker.ErrStopped)
		if c.actual.Phase == Waiting || c.actual.Phase == Ended {
			c.enter(Stopped)
		}
	}
	j := jobs.Stop(command, c.slots, chosen)
	if !slices.ContainsFunc(c.slots.All, func(s *slots.Slot) bool { return s.Runs() && !s.Stop }) {
		c.app.SetEnding()
	}
	c.desired.exchanged = command.Recreate
	c.desired.gone = command.Verb == spec.Delete && c.slots.Count() == 0
	return j
}

// answer brings the jobs on, and answers those whose condition holds. It returns
// false when there is nothing to do now.
func (c *controller) answer(ctx context.Context) bool {
	for _, j := range c.jobs.Running {
		switch {
		case j.Step(ctx):
		case !j.IsDone() || j.IsLeaving(c.app.wake):
			continue
		case j.IsToResize() && !c.desired.gone:
			c.resize(j, j.Spec)
		default:
			c.jobs.Drop(j)
			c.conclude(ctx, j)
		}
		return true
	}
	return false
}

// conclude puts the outcome on record, answers the command and takes up what has waited
// for it. An app that somebody has stopped meanwhile is left alone.
func (c *controller) conclude(ctx context.Context, j *jobs.Job) {
	result := j.Result()
	if j.Spec != nil && result.Err == nil {
		c.actual.schedule = c.triggers.start(ctx, c.desired.spec)
	}
	if result.Reloaded {
		c.actual.Reloads = c.actual.Reloads.Observe(result.Err, result.Took)
	}
	if result.Journal {
		c.journal(j.Kind(), result.Text)
	}
	c.publish()
	j.Finish(result.Err)
	for _, waiting := range c.jobs.TakeWaiting() {
		if c.actual.Phase == Stopped && waiting.Spec == nil {
			waiting.Finish(nil)
		} else {
			c.accept(ctx, waiting)
		}
	}
}

// journal appends an event of the app.
func (c *controller) journal(kind, text string) {
	c.app.deps.Worker.Journal(status.Event{App: c.app.name, Instance: status.EveryWorker, Kind: kind, Text: text})
}
