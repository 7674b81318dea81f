package endpoint

import (
	"context"
	"net"
	"slices"
	"sync/atomic"

	"gorun/supervisor/invocation/event"
	"gorun/supervisor/node"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// Request is what the endpoint of one run is made for.
type Request struct {
	Ports    *SharedPorts
	Spec     *spec.App // what the run is started by
	Instance int
	Count    func(status.Totals) // adds up what Node has counted, over all runs
}

// Endpoint connects one run. Its methods are for the run's owner, but for those of
// which the text says otherwise.
type Endpoint struct {
	ports    *SharedPorts
	app      *spec.App
	owner    sockets.Owner
	instance int
	process  *process.Process // nil: it was not started

	inspector inspector

	ipc          IPC
	poller       listenPoller
	draining     atomic.Bool // it is to end: what it closes is its own business
	interception interception
	events       eventBuffer
	notices      notices
	probe        probe
}

// New makes an endpoint; its process is yet to be started. The caller must release it.
func New(r Request) *Endpoint {
	e := &Endpoint{
		ports: r.Ports, app: r.Spec, owner: r.Ports.owner(r.Instance), instance: r.Instance, interception: interception{stop: func() {}},
		events: eventBuffer{listening: make(chan struct{})},
	}
	e.poller = listenPoller{ports: r.Ports, app: r.Spec, instance: r.Instance, events: &e.events, expected: r.Ports.previousPortsOf(r.Instance), stop: func() {}}
	e.ipc = IPC{ports: r.Ports, app: r.Spec, owner: e.owner, events: &e.events, record: e.record, metrics: node.Metrics{Count: r.Count}}
	e.probe = probe{ports: r.Ports, app: r.Spec, owner: e.owner, events: &e.events, stop: func() {}}
	e.notices = notices{events: &e.events, waitsForReady: r.Spec.WaitReady, stop: func() {}, record: e.record}
	return e
}

// Report begins to post what is heard of the run; what was heard before comes first.
func (e *Endpoint) Report(post func(event.Event)) { e.events.open(post) }

// Owner is the run's name among those that share the sockets.
func (e *Endpoint) Owner() sockets.Owner { return e.owner }

// ReportsListening reports whether it would be known that the run listens.
func (e *Endpoint) ReportsListening() bool {
	return e.interception.listener != nil || e.app.Sharing == spec.ShareNode || len(e.poller.expected) > 0
}

// MissingAddresses returns the addresses where the other run listens and this one does not.
func (e *Endpoint) MissingAddresses(of sockets.Owner) []sockets.Address {
	return slices.DeleteFunc(e.ports.groups.Lacks(e.owner, of), func(a sockets.Address) bool { return !e.ports.sharesAddress(a) })
}

// AcceptTraffic steers connections to the run, also those that wait for one that
// is gone and may be away for long.
func (e *Endpoint) AcceptTraffic() {
	e.ports.logError(e.ports.groups.Online(e.owner))
	e.ports.relay()
}

// TakeOver steers to the run what went to the one before, in one step.
func (e *Endpoint) TakeOver(from sockets.Owner) {
	e.ports.logError(e.ports.groups.Replace(from, e.owner))
	e.ports.relay()
}

// StopTraffic steers connections elsewhere, at once. Where every worker is to end there
// is nobody else: Drain does it then, when this one has served who is there now.
func (e *Endpoint) StopTraffic() {
	if !e.ports.terminating.Load() {
		e.ports.logError(e.ports.groups.Offline(e.owner))
	}
}

// Release is called when nothing of the process is left.
func (e *Endpoint) Release() {
	e.ipc.close()
	e.interception.stop()
	e.probe.stop()
	e.poller.stop()
	e.notices.stop()
	e.ports.release(e.owner)
	e.ports.relay()
}

// record keeps an event of the run.
func (e *Endpoint) record(one status.Event) {
	one.App, one.Instance = e.app.Name, e.instance
	e.ports.deps.Journal(one)
}

// AddTo adds what the process reports to its worker's status. Anybody may call it.
func (e *Endpoint) AddTo(w *status.Worker) {
	if text := e.notices.status.Load(); text != nil {
		w.Notice = *text
	}
	e.ipc.metrics.AddTo(w, e.ipc.channel)
}

// Dial connects to exactly this run, at a port that it listens on; 0: the first. Where a
// shared socket has no addresses for single workers, whichever accepts answers. Anybody
// may call it.
func (e *Endpoint) Dial(ctx context.Context, port int) (net.Conn, error) {
	return e.probe.dial(ctx, port)
}

// IPC is the run's channel of Node. Anybody may call it.
func (e *Endpoint) IPC() *IPC { return &e.ipc }
