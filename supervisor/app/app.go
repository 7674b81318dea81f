package app

import (
	"context"
	"sync/atomic"
	"time"

	"gorun/supervisor/app/jobs"
	"gorun/supervisor/app/slots"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/trigger"
	"gorun/supervisor/worker"
)

// Deps is what all apps work with. Safe for concurrent use.
type Deps struct {
	Worker   worker.Deps
	IDs      atomic.Int64                         // of workers that there were: the next pm_id
	PhaseSeq atomic.Int64                         // of phases that apps have come to
	Changed  func()                               // an app has published something; never waits
	Measure  func([]*worker.Worker) []worker.Tree // what those with a memory limit use, unless a test has another
}

// SetDefaults fills what only tests replace. changed is called when an app has published
// something.
func (d *Deps) SetDefaults(changed func()) {
	d.Changed, d.Measure, d.Worker.NextRun = changed, measure, trigger.Next
}

// App is one app with its workers, as others know it: they read what it has published,
// or send a command.
type App struct {
	name         string       // immutable
	deps         *Deps        // immutable
	dependencies []dependency // immutable once Run has begun
	conditions   conditions   // immutable: channels
	commands     chan *jobs.Command
	changed      chan struct{} // a worker has published something; at most one pending
	controller   controller    // of the goroutine in Run
	published    atomic.Pointer[Published]
}

// Published is what an app lets others know. It never changes.
type Published struct {
	Spec      *spec.App
	Workers   []*worker.Worker      // in the order of their instances
	Ports     *endpoint.SharedPorts // nil while no worker runs
	Phase     Phase
	Code      int    // the exit code to attribute to the app
	Completed bool   // all workers ended as they were meant to
	PhaseSeq  int64  // counts the phases of all apps: which came first
	Blocked   string // why no worker was started yet; "": they were
	Reloads   status.Reloads

	schedule trigger.Schedule // of its cron_restart
}

// Phase is what has become of an app as a whole.
type Phase int

// The phases.
const (
	Waiting Phase = iota // for the apps that it depends on
	Running              // a worker has a goroutine
	Ended                // all workers have ended by themselves, or none was ever to start
	Stopped              // somebody has stopped it
)

// New prepares an app, at rest.
func New(conf *spec.App, deps *Deps) *App {
	a := &App{name: conf.Name, deps: deps, conditions: newConditions(), commands: make(chan *jobs.Command), changed: make(chan struct{}, 1)}
	workers := slots.New(func(conf *spec.App, instance int) *worker.Worker {
		return worker.New(&deps.Worker, conf, instance, int(deps.IDs.Add(1))-1, a.wake)
	})
	workers.Match(conf)
	a.controller = controller{
		app: a, slots: workers, desired: desired{spec: conf}, actual: actual{Published: Published{Spec: conf}},
		triggers: triggers{app: a, stop: func() {}}, retry: time.NewTimer(0),
	}
	a.controller.publish()
	return a
}

// Name is the name of the app.
func (a *App) Name() string { return a.name }

// Published is what the app has published last.
func (a *App) Published() *Published { return a.published.Load() }

// Gone is closed when Run has returned.
func (a *App) Gone() <-chan struct{} { return a.conditions.gone }

// SetEnding says that every worker is stopping. Anybody may call it.
func (a *App) SetEnding() {
	if ports := a.Published().Ports; ports != nil {
		ports.SetTerminating(true)
	}
}

// Do has the app carry out a command that was prepared, and waits for its end.
func (a *App) Do(ctx context.Context, c *jobs.Command) error {
	select {
	case a.commands <- c:
	case <-a.conditions.gone:
		return jobs.ErrStopping
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller's own word
	}
	return c.Await(ctx, a.conditions.gone) //nolint:wrapcheck // as above
}

// RequestRestart has the app's workers replaced for a reason of gorun's own, without a gap
// where they share their ports. While something else is under way, that waits for
// its end.
func (a *App) RequestRestart(ctx context.Context, why status.Reason, what string) {
	c := &jobs.Command{Verb: spec.Reload, Reason: why, QueueIfBusy: true}
	c.Prepare(func(int, string) {})
	switch a.Published().Phase {
	case Running:
	case Ended:
		c.Verb = spec.Start // a job that the clock starts again
	case Waiting, Stopped:
		return
	}
	a.deps.Worker.Log.Info("restarting", "app", a.name, "reason", why, "what", what)
	select {
	case a.commands <- c:
	case <-ctx.Done():
		return
	}
	go func() {
		if err := c.Await(context.WithoutCancel(ctx), a.conditions.gone); err != nil && ctx.Err() == nil {
			a.deps.Worker.Log.Error("restart failed", "app", a.name, "reason", why, "error", err)
		}
	}()
}

// wake has the app's goroutine look at its workers again.
func (a *App) wake() {
	select {
	case a.changed <- struct{}{}:
	default: // a change that it has not looked at yet covers this one
	}
}

// Run starts the workers when all that the app depends on is there, and keeps them
// as desired. It returns when ctx has ended and the last worker with it, or when the
// app was deleted: deleted is true where no other app takes its place. first is the
// command that has added the app while gorun ran; nil: nobody waits for it.
func (a *App) Run(ctx, kill context.Context, first *jobs.Command) (deleted bool) {
	defer close(a.conditions.gone)
	return a.controller.run(ctx, kill, first)
}
