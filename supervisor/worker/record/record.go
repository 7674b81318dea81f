// Package record keeps what is known of one worker, over all its invocations: its
// state, counters, restarts, and how it has ended. It names every exit, and passes on
// what others are to hear of it: the log, the journal, the hooks and pid_file.
//
// A Record belongs to its worker's goroutine, or to the app's while the worker is at
// rest; only CPU is for anybody. It has no goroutine. No method waits, but for the
// files' disk: none may be called from the signal loop.
package record

import (
	"slices"
	"time"

	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
)

// Deps is what all records work with. Safe for concurrent use.
type Deps struct {
	endpoint.Deps
	OOM   *usage.OOMKills
	Hooks *hooks.Dispatcher
	Host  string // this machine's name, for hooks
	// SharedBy names an app that shares a port, other than the one that asks; "": none.
	// nil: nobody knows.
	SharedBy func(port int, asks string) string
	// NextRun is when a schedule comes next; zero: never.
	NextRun func(schedule string, after time.Time) time.Time
}

// Record is what is known of one worker.
type Record struct {
	Status status.Worker // to be read; only the methods change it
	Name   string        // as people read it: api/0. It never changes

	deps     *Deps
	changed  func() // there is something to publish; never waits
	notifier notifier
	previous *invocation.Invocation // the last that has ended, whose output may still be handed on
	cpu      cpuMeter
}

// New begins the record of a worker at rest. changed is called when there is something
// to publish.
func New(deps *Deps, name string, of status.Worker, changed func()) *Record {
	of.Since = time.Now()
	return &Record{
		Status: of, Name: name, deps: deps, changed: changed,
		notifier: notifier{deps: deps, worker: name, app: of.App, instance: of.Instance, id: of.ID},
	}
}

// Begin records that the worker is to run from now on, and why. One that was given up and
// is tried again for that counts as restarted.
func (r *Record) Begin(why status.Reason) {
	r.Status.FirstStarted, r.notifier.pendingRestart = time.Now(), nil
	if why == status.ByRetry {
		r.restarted(why, hooks.Event{})
	}
}

// Enter takes the worker to another state: checks the step, logs and publishes
// it. An invalid transition is gorun's bug; it is logged, and work goes on.
func (r *Record) Enter(to status.State) {
	s := &r.Status
	from, now := s.State, time.Now()
	if !slices.Contains(status.Transitions[from], to) {
		r.deps.Log.Error("invalid state transition: a bug of gorun", "worker", r.Name, "from", from, "to", to)
	}
	r.deps.Log.Debug("worker state changed", "worker", r.Name, "from", from, "to", to, "pid", s.Pid)
	r.notifier.journal("state", from.String()+" → "+to.String())
	if from == status.Online {
		s.LeftOnline = now
	}
	s.State, s.Since = to, now
	s.Ready = to == status.Online
	if to == status.Online {
		s.OnlineOnce, s.LeftOnline = true, time.Time{}
		r.observeStart(s.Started)
	}
	if to != status.WaitingRestart && to != status.Errored {
		s.Backoff = 0
	}
	if to != status.Online && to != status.Stopping { // no process, or not yet
		s.Pid, s.Started = 0, time.Time{}
	}
	r.changed()
}

// JournalHealth journals that the health check has come to another result.
func (r *Record) JournalHealth(text string) { r.notifier.journal("health", text) }

// CountStart counts an invocation that was started.
func (r *Record) CountStart(i *invocation.Invocation) {
	r.Status.Starts++
	r.cpu.begin(i)
}

// Serve makes an invocation the one that the worker is known by. conf is what the
// worker runs by.
func (r *Record) Serve(i *invocation.Invocation, conf *spec.App) {
	r.Status.Pid, r.Status.Started, r.Status.LastError = i.Pid(), i.Started(), ""
	r.changed()
	r.notifier.dispatchRestart(conf, i)
	r.notifier.writePIDFile(i)
}

// SetReady records whether new connections go to the worker, to be published.
func (r *Record) SetReady(ready bool) { r.Status.Ready = ready }

// ObserveCheck adds a result of the health check, to be published.
func (r *Record) ObserveCheck(c status.Check) { r.Status.Probe = r.Status.Probe.Observe(c) }

// observeStart adds the time that an invocation took until it was online.
func (r *Record) observeStart(since time.Time) {
	r.Status.StartTimes = r.Status.StartTimes.Observe(time.Since(since))
}

// CancelRetry records that a worker that was given up is not to be tried again.
func (r *Record) CancelRetry() {
	r.Status.Backoff = 0
	r.changed()
}

// Reset sets the counters of restarts to zero.
func (r *Record) Reset() {
	r.Status.RestartsAtReset = r.Status.Restarts
	r.Stabilize()
}

// Stabilize forgets the unstable runs: the present one has lasted.
func (r *Record) Stabilize() {
	r.Status.Unstable, r.Status.FailingSince = 0, time.Time{}
	r.changed()
}
