package worker

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
	"gorun/supervisor/logs"
	"gorun/supervisor/node"
	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// Why an update does not come to its end.
var (
	ErrStopped    = errors.New("it was stopped before it was ready")
	ErrSuperseded = errors.New("a later order came before it was ready")
)

// Update is what a worker is to run by from now on.
type Update struct {
	Number  uint64 // grows with each update of the app
	Spec    *spec.App
	Reason  status.Reason
	Rolling bool // beside the old invocation where that can be, else after its end
}

// Progress is how far a worker has come with its latest update.
type Progress struct {
	Number uint64
	Done   bool  // it is online by it, has ended well by it, or has failed
	Err    error // why it failed
}

// Published is what a worker lets others know. It never changes.
type Published struct {
	status.Worker
	Spec    *spec.App // what it runs by
	Update  Progress
	Leaving int // invocations that are still terminating
}

// Worker keeps one slot of an app running. All of it belongs to the goroutine in
// Run while there is one, and else to the app's, except what is atomic, a channel
// or never changes.
type Worker struct {
	deps   *Deps
	name   string // as people read it: api/0
	output *logs.Worker
	notify func() // something was published; never waits

	updates  chan Update        // at most one pending, the latest
	restarts chan status.Reason // at most one pending: requests merge
	resets   chan struct{}      // at most one pending

	spec        *spec.App // what the next invocation is started by
	ports       *invocation.Ports
	status      status.Worker
	update      Progress
	serving     *run
	replacement *replacement // nil: none is under way
	leaving     leaving
	holdsSlot   bool
	resumed     *hooks.Event           // a restart to report to hooks when the process runs; nil: none
	previous    *invocation.Invocation // the last that has ended, whose output may still be handed on

	published  atomic.Pointer[Published]
	invocation atomic.Pointer[invocation.Invocation] // that serves
	cpu        meter
	totals     node.Counter
}

// New prepares a worker, at rest. notify is called when it has published something.
func New(deps *Deps, conf *spec.App, instance, id int, notify func()) *Worker {
	identity := logs.Identity{App: conf.Name, Instance: instance, ID: id, Namespace: conf.Namespace}
	w := &Worker{
		deps: deps, name: conf.Name + "/" + strconv.Itoa(instance), output: deps.Output.Worker(identity, conf.Logs), notify: notify,
		updates: make(chan Update, 1), restarts: make(chan status.Reason, 1), resets: make(chan struct{}, 1),
		spec: conf, leaving: newLeaving(),
		status: status.Worker{App: conf.Name, Instance: instance, ID: id, Since: time.Now()},
	}
	w.publish()
	return w
}

// Name is the worker as people read it: api/0. It never changes.
func (w *Worker) Name() string { return w.name }

// Published is what it has published last.
func (w *Worker) Published() *Published { return w.published.Load() }

// Status is how the worker is, with what its process reports of itself.
func (w *Worker) Status() status.Worker {
	s := w.Published().Worker
	if i := w.invocation.Load(); i != nil {
		i.AddTo(&s)
	}
	s.Totals = w.totals.Sum()
	return s
}

// Invocation is the one that serves, nil if there is none.
func (w *Worker) Invocation() *invocation.Invocation { return w.invocation.Load() }

// Update gives a running worker something else to run by. An earlier update that
// it has not come to is superseded. One caller at a time.
func (w *Worker) Update(u Update) {
	drain(w.updates)
	w.updates <- u // room for one, and only this caller fills it
}

// Restart asks for a new process because of something that the worker did. Requests
// made while one is pending merge.
func (w *Worker) Restart(why status.Reason) { pend(w.restarts, why) }

// Reset sets the counters of restarts to zero, soon.
func (w *Worker) Reset() { pend(w.resets, struct{}{}) }

// ResetIdle is Reset for a worker without a goroutine.
func (w *Worker) ResetIdle() {
	w.status.Unstable, w.status.RestartsAtReset = 0, w.status.Restarts
	w.publish()
}

// Close closes the output of a worker that is at rest for good.
func (w *Worker) Close() { w.output.Close() } // nothing of it is left to be written

// Run starts the worker as first says and keeps it running until the policy leaves
// it at rest, gives up, or ctx ends. The end of kill cuts every grace short. It
// returns, when nothing of it is left, the exit code to attribute to the worker: 0
// when it ended well or was stopped.
func (w *Worker) Run(ctx, kill context.Context, ports *invocation.Ports, first Update) int {
	drain(w.updates)
	drain(w.resets)
	w.ports = ports
	w.status.FirstStarted, w.resumed = time.Now(), nil
	w.expect(first)
	w.publish()
	code := 0
	if w.takeSlot(ctx) {
		code = w.keepRunning(ctx, kill)
	}
	w.settle(ErrStopped)
	w.awaitLeaving()
	return code
}

func (w *Worker) keepRunning(ctx, kill context.Context) int {
	for {
		ended := w.live(ctx, kill)
		again, code := w.next(ctx, ended)
		if !again {
			return code
		}
	}
}

// takeSlot waits for a place among those that start at the same time. It
// returns false when ctx ended first.
func (w *Worker) takeSlot(ctx context.Context) bool {
	select {
	case w.deps.Slots <- struct{}{}:
		w.holdsSlot = true
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *Worker) giveUpSlot() {
	if w.holdsSlot {
		<-w.deps.Slots
		w.holdsSlot = false
	}
}

// next takes the step after the end of an invocation. It returns true when the
// program is to be started again, now.
func (w *Worker) next(ctx context.Context, ended end) (again bool, code int) {
	if ended.Forced {
		w.deps.Log.Warn("worker did not stop in time: killed", "worker", w.name, "kill_timeout", w.spec.KillTimeout)
	}
	switch {
	case ctx.Err() != nil:
		w.enter(status.Stopped)
		return false, 0
	case ended.Cause == invocation.Replaced:
		w.countRestart(ended.reason, w.noteOf(ended))
		return true, 0
	}
	decision := w.spec.Restart.Next(ended.exit, w.status.Unstable)
	w.status.Unstable = decision.Unstable
	switch decision.Verdict {
	case restart.Rest:
		w.conclude(status.Stopped, ended, decision)
		return false, w.restCode(ended)
	case restart.GiveUp:
		w.conclude(status.Errored, ended, decision)
		return false, max(w.status.LastExit.Code, 1)
	case restart.Retry:
	}
	return w.retry(ctx, ended, decision), 0
}

// retry waits out the delay of a restart. It returns false when ctx ended first.
func (w *Worker) retry(ctx context.Context, ended end, decision restart.Decision) bool {
	w.status.Backoff = decision.Delay
	w.conclude(status.WaitingRestart, ended, decision)
	again := w.pause(ctx, decision.Delay, &ended.reason)
	w.status.Backoff = 0
	if !again {
		w.enter(status.Stopped)
		return false
	}
	w.countRestart(ended.reason, w.noteOf(ended))
	return true
}

// conclude enters the state after an invocation, and reports its end. Whoever waits
// for the update is answered when that state can be seen: it is part of the answer.
func (w *Worker) conclude(to status.State, ended end, decision restart.Decision) {
	w.enter(to)
	w.answer(ended, decision.Verdict)
	w.reportEnd(ended, decision)
	w.tellHooks(ended, decision)
}

// answer says what became of the update: to end well is as good as to be online.
func (w *Worker) answer(ended end, verdict restart.Verdict) {
	if verdict == restart.Rest && w.restCode(ended) == 0 {
		w.settle(nil)
	}
	w.settle(w.failure(ended))
}

// restCode is the code of a job: one that stop_exit_codes names is a good end, one
// that gorun had to bring about is none.
func (w *Worker) restCode(ended end) int {
	switch {
	case ended.Cause == invocation.Misbehaved:
		return max(w.status.LastExit.Code, 1)
	case w.spec.Restart.Ends(ended.exit):
		return 0
	}
	return w.status.LastExit.Code
}

// pause waits before a restart. An update ends the wait, and its reason is the
// restart's; what the invocation before has provoked ended with it. It returns
// false when ctx ended first.
func (w *Worker) pause(ctx context.Context, delay time.Duration, reason *status.Reason) bool {
	if delay == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-w.restarts:
		case u := <-w.updates:
			w.expect(u)
			*reason = u.Reason
			return true
		case <-w.resets:
			w.ResetIdle()
		case gone := <-w.leaving.ended:
			w.reap(gone)
		case <-ctx.Done():
			return false
		}
	}
}

// pend leaves a request, if none is pending.
func pend[T any](c chan<- T, request T) {
	select {
	case c <- request:
	default:
	}
}

// drain drops a request that is pending.
func drain[T any](c <-chan T) {
	select {
	case <-c:
	default:
	}
}
