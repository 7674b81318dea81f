package supervisor

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/hooks"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// settling is how long a program must have run to count as online where
// nothing better tells that it is ready.
const settling = 100 * time.Millisecond

// worker keeps one process of an app running. All of it belongs to the
// goroutine in begin while there is one, and else to the app's goroutine, except
// what is atomic or never changes.
type worker struct {
	app      *spec.App // what it runs by; immutable itself
	name     string    // as people read it: api/0
	tools    *tools
	output   *logs.Worker
	sharing  *sharing // of the present start of its app
	start    func() (life, error)
	status   status.Worker
	changed  chan<- struct{}
	restarts chan status.Reason // at most one pending: requests merge
	slot     chan struct{}      // a place among those that start at once; nil: none held

	orders   orders
	farewell farewell

	resumed   *hooks.Event       // a restart that hooks are told of when the process runs; nil: there was none
	dropLines context.CancelFunc // gives up what the last run's output still has to hand on; nil before the first

	published atomic.Pointer[workerView]
	running   atomic.Pointer[process.Process]
	link      atomic.Pointer[link] // of the process that runs
	cpu       meter
	counts    counts // what Node tells of itself
}

// workerView is what a worker publishes: how it is, and what it runs by.
type workerView struct {
	status.Worker
	app *spec.App
}

// cause is why a run of a process came to its end.
type cause int

const (
	died       cause = iota // by itself
	stopped                 // it was to stop
	wanted                  // somebody asked for another one
	misbehaved              // it gave a reason to restart it
)

// ended is how a run came to its end.
type ended struct {
	cause   cause
	reason  status.Reason // of a restart
	ran     time.Duration // until it died, or was told to end
	at      time.Time     // when it had ended
	took    time.Duration // from the wish that it ends to its end; 0: there was none
	forced  bool          // it took SIGKILL
	late    bool          // it was not ready in time
	victims uint64        // of the memory limit, when it began
	exit    restart.Exit
	signal  unix.Signal // that ended it, or 0
	pid     int
	tail    []string // its last words on stderr
}

func newWorker(a *app, conf *spec.App, instance, id int) *worker {
	identity := logs.Identity{App: conf.Name, Instance: instance, ID: id, Namespace: conf.Namespace}
	w := &worker{
		app: conf, name: conf.Name + "/" + strconv.Itoa(instance),
		tools: a.tools, output: a.tools.output.Worker(identity, conf.Logs),
		changed: a.changed, restarts: make(chan status.Reason, 1),
		orders: newOrders(), farewell: newFarewell(),
		status: status.Worker{App: conf.Name, Instance: instance, ID: id, Since: time.Now()},
	}
	w.start = func() (life, error) { return a.launch(w) }
	w.publish()
	return w
}

// restart asks for a new process. Requests made while one is pending merge;
// what somebody wants goes before what the worker provoked.
func (w *worker) restart(why status.Reason) {
	for {
		select {
		case w.restarts <- why:
			return
		default:
		}
		if why != status.ByManual {
			return
		}
		w.forgetRequest()
	}
}

// forgetRequest drops a request that came too late for the run before.
func (w *worker) forgetRequest() {
	select {
	case <-w.restarts:
	default:
	}
}

// takeSlot waits for a place among those that start at the same time. It
// returns false when ctx ended first.
func (w *worker) takeSlot(ctx context.Context) bool {
	select {
	case w.tools.slots <- struct{}{}:
		w.slot = w.tools.slots
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *worker) giveUpSlot() {
	if w.slot != nil {
		<-w.slot
		w.slot = nil
	}
}

// begin is run for a worker that waits its turn to start.
func (w *worker) begin(ctx, kill context.Context) int {
	w.status.FirstStarted, w.resumed = time.Now(), nil
	w.publish()
	code := 0
	if w.takeSlot(ctx) {
		code = w.run(ctx, kill)
	}
	w.orders.refuse(errStopped)
	w.seeOff()
	return code
}

// run keeps the process running until the policy leaves it at rest, gives up,
// or ctx ends. The end of kill cuts every grace short. It returns the exit code
// to blame the worker with: 0 when it ended well or was stopped.
func (w *worker) run(ctx, kill context.Context) int {
	for {
		end := w.live(ctx, kill)
		again, code := w.follow(ctx, end)
		if !again {
			return code
		}
	}
}

// follow takes the step after the end of a run. It returns true when the
// process is to be started again, now.
func (w *worker) follow(ctx context.Context, end ended) (again bool, code int) {
	if end.forced {
		w.tools.log.Warn("worker did not stop in time: killed", "worker", w.name, "kill_timeout", w.app.KillTimeout)
	}
	switch {
	case ctx.Err() != nil:
		w.enter(status.Stopped)
		return false, 0
	case end.cause == wanted:
		w.again(end.reason, w.noteOf(end))
		return true, 0
	}
	next := w.app.Restart.Next(end.exit, w.status.Unstable)
	w.status.Unstable = next.Unstable
	switch next.Verdict {
	case restart.Rest:
		w.conclude(status.Stopped, end, next)
		return false, w.restingCode(end)
	case restart.GiveUp:
		w.conclude(status.Errored, end, next)
		return false, max(w.status.LastExit.Code, 1)
	case restart.Retry:
	}
	w.status.Backoff = next.Delay
	w.conclude(status.WaitingRestart, end, next)
	again = w.pause(ctx, next.Delay, &end.reason)
	w.status.Backoff = 0
	if !again {
		w.enter(status.Stopped)
		return false, 0
	}
	w.again(end.reason, w.noteOf(end))
	return true, 0
}

// conclude enters the state after a run. Whoever waits for the process is
// answered when that state can be seen: it is part of the answer.
func (w *worker) conclude(to status.State, end ended, next restart.Decision) {
	w.enter(to)
	w.answer(end, next.Verdict)
	w.reportEnd(end, next)
	w.tellEnd(end, next)
}

// answer tells whoever waits for the process what became of it: to end well is as
// good as to be online.
func (w *worker) answer(end ended, verdict restart.Verdict) {
	if verdict == restart.Rest && w.restingCode(end) == 0 {
		w.orders.fulfil()
	}
	w.orders.refuse(w.failure(end))
}

// restingCode is the code of a job: one that stop_exit_codes names is a good
// end, one that gorun had to bring about is none.
func (w *worker) restingCode(end ended) int {
	switch {
	case end.cause == misbehaved:
		return max(w.status.LastExit.Code, 1)
	case w.app.Restart.Ends(end.exit):
		return 0
	}
	return w.status.LastExit.Code
}

// pause waits before a restart. A request for one, which then is the reason,
// ends the wait; what the run before has provoked is settled with its end. It
// returns false when ctx ended first.
func (w *worker) pause(ctx context.Context, delay time.Duration, reason *status.Reason) bool {
	if delay == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case why := <-w.restarts:
			if why == status.ByManual {
				*reason = why
				return true
			}
		case r := <-w.orders.renewals:
			w.expect(r)
			*reason = r.reason
			return true
		case f := <-w.orders.asides:
			f()
		case gone := <-w.farewell.departures:
			w.bury(gone)
		case <-ctx.Done():
			return false
		}
	}
}
