package app

import (
	"context"
	"slices"
	"sync/atomic"

	"gorun/supervisor/invocation"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// Deps is what all apps work with. Safe for concurrent use.
type Deps struct {
	Worker  worker.Deps
	IDs     atomic.Int64 // of workers that there were: the next pm_id
	Turns   atomic.Int64 // of phases that apps have come to
	Changed func()       // an app has published something; never waits
}

// App is one app with its workers. What is not said to be immutable belongs to the
// goroutine in Run; others read what it has published, or send a command.
type App struct {
	name     string // immutable
	deps     *Deps  // immutable
	needs    []need // immutable once Run has begun
	marks    marks  // immutable: channels
	commands chan *Command
	ended    chan workerEnd
	changed  chan struct{} // a worker has published something; at most one pending

	desired desired
	actual  actual
	orders  []*order   // under way
	queued  []*Command // wait until none is, one for each reason
	first   *Command   // what has added the app, until its workers are started; nil: nobody waits
	trigger context.CancelFunc

	published atomic.Pointer[Published]
}

// desired is what the app is to come to.
type desired struct {
	spec      *spec.App // the revision that every worker is to run by; its Instances is their number
	updates   uint64    // how many updates there were
	needs     []need    // apps that must have come so far before the first start; next is the one waited for
	next      chan metNeed
	gone      bool // it is deleted: to be forgotten when the last worker is at rest
	exchanged bool // another app takes its place then
}

// actual is what it has come to.
type actual struct {
	Published
	slots       []*slot // in the order of their instances
	failures    []workerEnd
	lastStopped bool // the worker that ended last was stopped by the operator
}

// slot is a worker, and what is desired of it.
type slot struct {
	*worker.Worker
	target  worker.Update      // what it is to run by
	given   uint64             // the number of the update that it has been given
	cancel  context.CancelFunc // of its goroutine; nil: it is at rest
	stop    bool               // it is to be at rest
	stopped bool               // it was told so
	remove  bool               // to be forgotten when it is at rest
}

// workerEnd is the end of a worker's goroutine.
type workerEnd struct {
	slot *slot
	code int // to attribute to the worker
}

// marks are what others may wait for.
type marks struct {
	online chan struct{} // closed: a worker was online
	ready  chan struct{} // closed: every worker was online
	ended  chan struct{} // closed: it has come to an end, once at least
	gone   chan struct{} // closed: Run has returned
}

// Published is what an app lets others know. It never changes.
type Published struct {
	Spec      *spec.App
	Workers   []*worker.Worker  // in the order of their instances
	Ports     *invocation.Ports // nil while no worker runs
	Phase     Phase
	Code      int    // the exit code to attribute to the app
	Completed bool   // all workers ended as they were meant to
	Turn      int64  // counts the phases of all apps: which came first
	Blocked   string // why no worker was started yet; "": they were
	Reloads   status.Reloads
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
	a := &App{
		name: conf.Name, deps: deps, changed: make(chan struct{}, 1), trigger: func() {},
		marks:    marks{make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})},
		commands: make(chan *Command), ended: make(chan workerEnd),
		desired: desired{spec: conf},
	}
	a.actual.Spec = conf
	a.matchCount()
	a.publish()
	return a
}

// Name is the name of the app.
func (a *App) Name() string { return a.name }

// Published is what the app has published last.
func (a *App) Published() *Published { return a.published.Load() }

// Gone is closed when Run has returned.
func (a *App) Gone() <-chan struct{} { return a.marks.gone }

// publish gives others a copy of what the app's goroutine knows.
func (a *App) publish() {
	p := a.actual.Published
	for _, s := range a.actual.slots {
		p.Workers = append(p.Workers, s.Worker)
	}
	a.published.Store(&p)
	a.deps.Changed()
}

// wake has the app's goroutine look at its workers again.
func (a *App) wake() {
	select {
	case a.changed <- struct{}{}:
	default: // a change that it has not looked at yet covers this one
	}
}

// enter takes the app to a phase.
func (a *App) enter(to Phase) {
	a.actual.Phase, a.actual.Turn = to, a.deps.Turns.Add(1)
	a.publish()
}

// Run starts the workers when all that the app depends on is there, and keeps them
// as desired. It returns when ctx has ended and the last worker with it, or when the
// app was deleted: deleted is true where no other app takes its place. first is the
// command that has added the app while gorun ran; nil: nobody waits for it.
func (a *App) Run(ctx, kill context.Context, first *Command) (deleted bool) {
	defer close(a.marks.gone)
	a.begin(ctx, first)
	left, stop := a.marks, ctx.Done()
	for {
		for a.step(ctx, kill) || a.answer(ctx) {
		}
		left = a.reach(left)
		if a.atRest() && len(a.orders) == 0 && (stop == nil || a.desired.gone) {
			a.trigger()
			a.refuseQueued()
			return a.desired.gone && !a.desired.exchanged
		}
		select {
		case <-a.changed:
		case e := <-a.ended:
			a.takeEnd(e)
		case met := <-a.desired.next:
			a.proceed(ctx, met)
		case c := <-a.commands:
			a.accept(ctx, c)
		case <-stop:
			stop = nil
		}
	}
}

// begin says that the workers are to be started, unless they are not.
func (a *App) begin(ctx context.Context, first *Command) {
	a.first, a.desired.needs = first, a.needs
	if a.desired.spec.Autostart {
		a.enter(Waiting)
		a.awaitNext(ctx)
	} else {
		a.enter(Ended)
		a.answerFirst(nil)
	}
	a.startTriggers(ctx)
}

// atRest reports whether no worker has a goroutine.
func (a *App) atRest() bool {
	return !slices.ContainsFunc(a.actual.slots, func(s *slot) bool { return s.cancel != nil })
}

// step does at most one thing that brings the workers closer to what is desired. It
// returns false when there is nothing to do now.
func (a *App) step(ctx, kill context.Context) bool {
	for _, s := range a.actual.slots {
		switch {
		case s.cancel != nil && s.stop && !s.stopped:
			s.stopped = true
			s.cancel()
		case s.cancel == nil && s.remove:
			a.forget(s)
		case s.cancel == nil && s.target.Number > s.given && !s.stop && ctx.Err() == nil:
			a.start(ctx, kill, s)
		case s.cancel != nil && s.target.Number > s.given && !s.stop:
			s.given = s.target.Number
			s.Update(s.target)
		default:
			continue
		}
		return true
	}
	return a.actual.Phase == Running && a.settle(ctx)
}

// start gives a worker at rest a goroutine.
func (a *App) start(ctx, kill context.Context, s *slot) {
	if a.actual.Ports == nil {
		a.actual.Ports = invocation.NewPorts(a.desired.spec, a.deps.Worker.Deps.Deps)
	}
	if a.actual.Phase != Running {
		a.actual.failures, a.actual.Completed, a.actual.Blocked = nil, false, ""
		a.enter(Running)
	}
	a.clearFailure(s)
	ports, first := a.actual.Ports, s.target
	ports.SetEnding(false)
	s.given, s.stopped = first.Number, false
	var own context.Context
	own, s.cancel = context.WithCancel(ctx)
	go func() {
		code := s.Run(own, kill, ports, first)
		a.ended <- workerEnd{s, code}
	}()
}

// takeEnd notes the end of a worker's goroutine.
func (a *App) takeEnd(e workerEnd) {
	s := e.slot
	s.cancel()
	s.cancel = nil
	// The last to end decides what becomes of the app.
	a.actual.lastStopped = s.stop && (!s.remove || a.desired.gone)
	if e.code != 0 {
		a.actual.failures = append(a.actual.failures, e)
	}
	a.attribute()
}

// forget drops a worker that is at rest.
func (a *App) forget(s *slot) {
	a.actual.slots = slices.DeleteFunc(a.actual.slots, func(one *slot) bool { return one == s })
	s.Close()
	a.clearFailure(s)
}

// clearFailure forgets that a worker has failed.
func (a *App) clearFailure(s *slot) {
	a.actual.failures = slices.DeleteFunc(a.actual.failures, func(e workerEnd) bool { return e.slot == s })
	a.attribute()
}

// attribute takes the code of the first worker that has failed for the app's.
func (a *App) attribute() {
	a.actual.Code = 0
	if len(a.actual.failures) > 0 {
		a.actual.Code = a.actual.failures[0].code
	}
	a.publish()
}

// settle takes the app out of its running phase when the last worker is at rest:
// from then on its ports refuse. It returns false while one is not.
func (a *App) settle(ctx context.Context) bool {
	if !a.atRest() {
		return false
	}
	a.actual.Ports.Close()
	a.actual.Ports = nil
	a.actual.Completed = a.actual.Code == 0 && ctx.Err() == nil && !a.actual.lastStopped
	if a.actual.lastStopped {
		a.enter(Stopped)
	} else {
		a.enter(Ended)
	}
	a.actual.lastStopped = false
	return true
}

// SetEnding says that every worker is stopping. Anybody may call it.
func (a *App) SetEnding() {
	if ports := a.Published().Ports; ports != nil {
		ports.SetEnding(true)
	}
}

// reach closes the marks that have been come to, and returns what is left.
func (a *App) reach(left marks) marks {
	n := 0
	for _, s := range a.actual.slots {
		if wasOnline(s.Worker) {
			n++
		}
	}
	if left.online != nil && n >= 1 {
		close(left.online)
		left.online = nil
	}
	if left.ready != nil && n >= len(a.actual.slots) {
		close(left.ready)
		left.ready = nil
	}
	if left.ended != nil && (a.actual.Phase == Ended || a.actual.Phase == Stopped) {
		close(left.ended)
		left.ended = nil
	}
	return left
}

// matchCount makes as many slots as the revision says: new ones get the first
// instance numbers that are free, and the newest go first.
func (a *App) matchCount() {
	for a.count() < a.desired.spec.Instances {
		a.add()
	}
	for i := len(a.actual.slots) - 1; a.count() > a.desired.spec.Instances; i-- {
		a.actual.slots[i].remove, a.actual.slots[i].stop = true, true
	}
}

// count is how many workers there are that are not to be removed.
func (a *App) count() int {
	kept := slices.DeleteFunc(slices.Clone(a.actual.slots), func(s *slot) bool { return s.remove })
	return len(kept)
}

// add adds a worker, at rest.
func (a *App) add() *slot {
	instance := 0
	for instance < len(a.actual.slots) && a.actual.slots[instance].Published().Instance == instance {
		instance++
	}
	id := int(a.deps.IDs.Add(1)) - 1
	s := &slot{Worker: worker.New(&a.deps.Worker, a.desired.spec, instance, id, a.wake)}
	a.actual.slots = slices.Insert(a.actual.slots, instance, s)
	return s
}

// update is the next update of a worker by a revision.
func (a *App) update(conf *spec.App, reason status.Reason) worker.Update {
	a.desired.updates++
	return worker.Update{Number: a.desired.updates, Spec: conf, Reason: reason}
}
