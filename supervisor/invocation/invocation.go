package invocation

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"gorun/signals/reaper"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/invocation/event"
	"gorun/supervisor/logs"
	"gorun/supervisor/notify"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// Program is the process that was started.
type Program interface {
	Pid() int
	Exited() <-chan struct{}
	Status() reaper.Status // once it has exited
}

// Tree is the process with all that it has started.
type Tree interface {
	Members() []int
	Stop(ctx context.Context, ladder process.Ladder) (forced bool)
}

// Output is what the run writes.
type Output interface {
	Drain(ctx context.Context) error
	Tail() []string
	Close(ctx context.Context) error
}

// Endpoint connects the run with the ports that its app shares.
type Endpoint interface {
	Steerer
	Listener
	Drainer
	Release() // nothing of the program is left
}

// Steerer steers new connections.
type Steerer interface {
	AcceptTraffic()              // new connections may go to it
	TakeOver(from sockets.Owner) // they go to it, and no more to the other, in one step
	StopTraffic()                // no more of them
}

// Listener hears of the run, and knows where it listens.
type Listener interface {
	Report(post func(event.Event)) // begins to post what is heard; it never waits
	ReportsListening() bool        // false: nobody can say when it listens
	Owner() sockets.Owner
	MissingAddresses(of sockets.Owner) []sockets.Address // where the other listens and this one does not
}

// Drainer ends what connects the run.
type Drainer interface {
	// Drain returns when the run serves nobody any more, or when ctx ends, the
	// program exits, or its time is over.
	Drain(ctx context.Context, exited <-chan struct{}, limits endpoint.DrainLimits)
	Clients() process.Clients // nil: it serves nobody
	AskToStop() bool          // by a message; false: a signal has to
	DisconnectIPC()           // it was asked to stop: what gorun holds open may not keep it
}

// Parts are what an invocation is made of.
type Parts struct {
	Program  Program
	Tree     Tree
	Output   Output
	Endpoint Endpoint
	Input    *process.Input // nil: /dev/null
}

// Invocation is one run of a program. Its owner is the worker that started it,
// until Terminate; what others may call says so.
type Invocation struct {
	parts   Parts
	spec    *spec.App
	started time.Time
	kills   uint64 // of the out-of-memory killer, before it was started

	events   *stream
	watchdog notify.Watchdog
	deadline *time.Timer
	extend   chan time.Duration // for the stop ladder; one may be pending
	leaving  atomic.Bool        // Terminate has begun
	steered  bool               // new connections go to it; its owner's
	listened atomic.Bool

	abandon  context.CancelFunc // gives up output that nobody reads
	process  *process.Process   // Program and Tree; nil in tests
	endpoint *endpoint.Endpoint // Endpoint; nil in tests
}

// New makes an invocation of its parts, and begins to report what is heard of it.
// kills is what the out-of-memory killer had killed before the start.
func New(parts Parts, by *spec.App, kills uint64) *Invocation {
	i := &Invocation{
		parts: parts, spec: by, started: time.Now(), kills: kills,
		events: newStream(), extend: make(chan time.Duration, 1), abandon: func() {},
	}
	i.deadline = time.AfterFunc(time.Hour, func() { i.post(event.Event{Kind: event.DeadlineExceeded}) })
	i.deadline.Stop()
	i.process, _ = parts.Tree.(*process.Process)
	i.endpoint, _ = parts.Endpoint.(*endpoint.Endpoint)
	go i.events.run(parts.Program.Exited())
	parts.Endpoint.Report(i.post)
	return i
}

// Events is the stream of what happens to the invocation until Terminate.
func (i *Invocation) Events() <-chan event.Event { return i.events.out }

// Spec is what it was started by.
func (i *Invocation) Spec() *spec.App { return i.spec }

// Pid is the number of its process.
func (i *Invocation) Pid() int { return i.parts.Program.Pid() }

// Started is when its process was started.
func (i *Invocation) Started() time.Time { return i.started }

// HasListened reports whether it has listened on an address of its app.
func (i *Invocation) HasListened() bool { return i.listened.Load() }

// ReportsListening reports whether it would be known that it listens.
func (i *Invocation) ReportsListening() bool { return i.parts.Endpoint.ReportsListening() }

// AcceptTraffic steers new connections to it.
func (i *Invocation) AcceptTraffic() {
	i.parts.Endpoint.AcceptTraffic()
	i.steered = true
}

// TakeOver steers to it what went to another invocation, in one step.
func (i *Invocation) TakeOver(from *Invocation) {
	i.parts.Endpoint.TakeOver(from.parts.Endpoint.Owner())
	i.steered, from.steered = true, false
}

// StopTraffic steers new connections elsewhere, at once.
func (i *Invocation) StopTraffic() {
	i.parts.Endpoint.StopTraffic()
	i.steered = false
}

// MissingAddresses returns the addresses where the other invocation listens and this one does not.
func (i *Invocation) MissingAddresses(of *Invocation) []sockets.Address {
	return i.parts.Endpoint.MissingAddresses(of.parts.Endpoint.Owner())
}

// SetDeadline has DeadlineExceeded come after d, instead of an earlier one.
func (i *Invocation) SetDeadline(d time.Duration) { i.deadline.Reset(d) }

// StartWatchdog begins to expect WATCHDOG=1, if the app or the program says how often.
func (i *Invocation) StartWatchdog() {
	i.watchdog.Start(i.spec.Watchdog, func() { i.post(event.Event{Kind: event.WatchdogExpired, Watchdog: new(i.watchdog.Period())}) })
}

// StopWatchdog no longer expects it.
func (i *Invocation) StopWatchdog() { i.watchdog.Stop() }

// post takes what is heard of the run. It never waits.
func (i *Invocation) post(e event.Event) {
	switch e.Kind {
	case event.Alive:
		i.watchdog.KeepAlive()
		if e.Watchdog != nil {
			i.watchdog.Change(*e.Watchdog)
		}
		return
	case event.Extended:
		if i.leaving.Load() {
			select {
			case i.extend <- e.Extend:
			default:
			}
			return
		}
	case event.Listening:
		i.listened.Store(true)
	case event.Exited, event.StoppedListening, event.Ready, event.Checked, event.WatchdogExpired, event.Stopping, event.DeadlineExceeded:
	}
	i.events.post(e)
}

// Request is what one run is started from.
type Request struct {
	Spec     *spec.App
	Instance int
	ID       int                   // pm_id
	Output   *logs.Worker          // where what it writes goes
	Ports    *endpoint.SharedPorts // that its app shares
	Count    func(status.Totals)   // adds up what Node has counted, over all runs
}

// AddTo adds what the process reports to its worker's status. Anybody may call it.
func (i *Invocation) AddTo(w *status.Worker) {
	if i.endpoint != nil {
		i.endpoint.AddTo(w)
	}
}

// IPC is the program's channel of Node; it may be none. Anybody may call it.
func (i *Invocation) IPC() *endpoint.IPC {
	if i.endpoint == nil {
		return nil
	}
	return i.endpoint.IPC()
}

// Dial connects to exactly this run, at a port that it listens on; 0: the first.
// Anybody may call it.
func (i *Invocation) Dial(ctx context.Context, port int) (net.Conn, error) {
	return i.endpoint.Dial(ctx, port)
}

// Process is the process tree; nil in tests.
func (i *Invocation) Process() *process.Process { return i.process }
