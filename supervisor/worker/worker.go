package worker

import (
	"context"
	"strconv"
	"sync/atomic"

	"gorun/supervisor/invocation"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/logs"
	"gorun/supervisor/node"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker/record"
)

// Deps is what all workers work with. Safe for concurrent use.
type Deps struct {
	record.Deps
	Output     *logs.Output
	StartLimit chan struct{} // has room for the workers that may start at the same time
	// StartInvocation starts an invocation: invocation.Start, unless a test has another.
	StartInvocation func(invocation.Request) (*invocation.Invocation, error)
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
	output *logs.Worker
	notify func() // something was published; never waits
	mail   mailbox

	record    *record.Record
	target    target
	permit    startPermit
	leaving   leaving
	listening listenHistory // what its invocations so far have done

	published  atomic.Pointer[Published]
	invocation atomic.Pointer[invocation.Invocation] // that serves
	totals     node.Counter
}

// New prepares a worker, at rest. notify is called when it has published something.
func New(deps *Deps, conf *spec.App, instance, id int, notify func()) *Worker {
	identity := logs.Identity{App: conf.Name, Instance: instance, ID: id, Namespace: conf.Namespace}
	w := &Worker{
		deps: deps, output: deps.Output.Worker(identity, conf.Logs), notify: notify,
		mail: newMailbox(), permit: startPermit{all: deps.StartLimit}, leaving: newLeaving(),
	}
	w.target = target{spec: conf, output: w.output, publish: w.publish}
	w.record = record.New(&deps.Deps, conf.Name+"/"+strconv.Itoa(instance), status.Worker{App: conf.Name, Instance: instance, ID: id}, w.publish)
	w.publish()
	return w
}

// Name is the worker as people read it: api/0. It never changes.
func (w *Worker) Name() string { return w.record.Name }

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
func (w *Worker) Update(u Update) { w.mail.update(u) }

// Restart asks for a new process because of something that the worker did. Requests
// made while one is pending merge.
func (w *Worker) Restart(why status.Reason) { pend(w.mail.restarts, why) }

// Reset sets the counters of restarts to zero, soon.
func (w *Worker) Reset() { pend(w.mail.resets, struct{}{}) }

// ResetIdle is Reset for a worker without a goroutine.
func (w *Worker) ResetIdle() { w.record.Reset() }

// CancelRetry has a worker that was given up, and is without a goroutine, not tried again.
func (w *Worker) CancelRetry() { w.record.CancelRetry() }

// Close closes the output of a worker that is at rest for good.
func (w *Worker) Close() { w.output.Close() } // nothing of it is left to be written

// Run starts the worker as first says and keeps it running until the policy leaves
// it at rest, gives up, or ctx ends. The end of kill cuts every grace short. It
// returns, when nothing of it is left, the exit code to attribute to the worker: 0
// when it ended well or was stopped.
func (w *Worker) Run(ctx, kill context.Context, ports *endpoint.SharedPorts, first Update) int {
	drain(w.mail.updates)
	drain(w.mail.resets)
	w.record.Begin(first.Reason)
	w.target.beginUpdate(first)
	w.publish()
	code := 0
	if w.permit.acquire(ctx) {
		code = restartLoop{w, ports}.keepRunning(ctx, kill)
	}
	w.target.complete(ErrStopped)
	w.awaitLeaving()
	return code
}

// publish gives others a copy of what the worker's goroutine knows.
func (w *Worker) publish() {
	w.published.Store(&Published{Worker: w.record.Status, Spec: w.target.spec, Update: w.target.update, Leaving: w.leaving.count})
	w.notify()
}

// enter takes the worker to another state.
func (w *Worker) enter(to status.State) {
	if to != status.Launching {
		w.permit.release()
	}
	w.record.Enter(to)
}

// launch starts an invocation.
func (w *Worker) launch(ports *endpoint.SharedPorts) (*run, error) {
	i, err := w.deps.StartInvocation(invocation.Request{
		Spec: w.target.spec, Instance: w.record.Status.Instance, ID: w.record.Status.ID, Output: w.output, Ports: ports, Count: w.totals.Add,
	})
	if err != nil {
		return nil, err
	}
	w.record.CountStart(i)
	past := w.listening
	if past == unknown && ports.HaveListened() {
		past = listens // as the other workers of the app
	}
	return newRun(i, past), nil
}

// recordListening remembers whether the program listens, once it is online.
func (w *Worker) recordListening(r *run) {
	if r.HasListened() {
		w.listening = listens
	} else if w.listening == unknown && r.ReportsListening() {
		w.listening = neverListened
	}
}

// setServing makes an invocation the one that the worker is known by.
func (w *Worker) setServing(r *run) {
	w.invocation.Store(r.Invocation)
	w.record.Serve(r.Invocation, w.target.spec)
}

// recordEnd puts an end on record, once nothing of the process is left.
func (w *Worker) recordEnd(i *invocation.Invocation, ended *record.End) {
	w.record.End(i, ended)
	w.invocation.CompareAndSwap(i, nil)
}

// startPermit is the worker's right to start, of which so many are given at a time.
type startPermit struct {
	all  chan struct{}
	held bool
}

// acquire waits for one. It returns false when ctx ended first.
func (p *startPermit) acquire(ctx context.Context) bool {
	select {
	case p.all <- struct{}{}:
		p.held = true
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *startPermit) release() {
	if p.held {
		<-p.all
		p.held = false
	}
}
