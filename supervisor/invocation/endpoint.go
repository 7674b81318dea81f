package invocation

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"gorun/supervisor/node"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/sockets/intercept"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// endpoint connects one run with the sockets that it shares, with sd_notify and,
// for Node, with gorun's IPC channel.
type endpoint struct {
	ports    *Ports
	app      *spec.App // what the run was started by
	environ  []string  // of its process
	owner    sockets.Owner
	instance int
	process  *process.Process // nil: it was not started

	channel     *node.Channel // nil: no Node
	served      atomic.Bool   // it listens on a socket that it got over the channel
	listener    *os.File      // of the interception; nil: none
	cancelServe context.CancelFunc

	reports   reports
	notify    notifySource
	stopCheck context.CancelFunc // ends the health check
	metrics   node.Metrics
	requests  node.Requests
}

func newEndpoint(r Request) *endpoint {
	return &endpoint{
		ports: r.Ports, app: r.Spec, owner: r.Ports.owner(r.Instance), instance: r.Instance, cancelServe: func() {},
		reports: reports{listening: make(chan struct{})}, notify: notifySource{stop: func() {}}, stopCheck: func() {},
		metrics: node.Metrics{Count: r.Count},
	}
}

// reports hands on what is heard of the run. What comes before somebody reads it
// is kept. Safe for concurrent use.
type reports struct {
	listening chan struct{} // closed: it listens
	listened  atomic.Bool
	ready     atomic.Bool // it has reported that it is

	mu    sync.Mutex
	early []Event
	post  func(Event) // nil: nobody reads yet
}

func (r *reports) send(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.post == nil {
		r.early = append(r.early, e)
		return
	}
	r.post(e)
}

// markListening reports that the run listens, once.
func (r *reports) markListening() {
	if r.listened.CompareAndSwap(false, true) {
		close(r.listening)
		r.send(Event{Kind: Listening})
	}
}

// markReady reports that the run said so, once.
func (r *reports) markReady() {
	if r.ready.CompareAndSwap(false, true) {
		r.send(Event{Kind: Ready})
	}
}

// Report implements Endpoint.
func (e *endpoint) Report(post func(Event)) {
	r := &e.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, event := range r.early {
		post(event)
	}
	r.early, r.post = nil, post
}

// start starts the process with what it needs for its connections. request gets
// what the endpoint adds.
func (e *endpoint) start(request *process.Spec) (*process.Process, error) {
	extra := &passedFiles{request: request}
	defer extra.close() // the child has its own
	if err := e.prepare(request, extra); err != nil {
		e.closeUnused(extra)
		return nil, err
	}
	p, err := process.Start(e.ports.deps.Reaper, *request)
	if err != nil {
		e.closeUnused(extra)
		return nil, err //nolint:wrapcheck // it says what was started
	}
	e.process = p
	if extra.channel != nil {
		e.openChannel(extra.channel)
	}
	if e.listener != nil {
		e.serveInterception(p)
	}
	e.readNotices(p)
	e.startCheck()
	return p, nil
}

// passedFiles are the descriptors that the child gets, and gorun's end of Node's
// channel until that is opened.
type passedFiles struct {
	request *process.Spec
	files   []*os.File
	channel *net.UnixConn
}

func (f *passedFiles) add(file *os.File) {
	f.files = append(f.files, file)
	f.request.Extra = append(f.request.Extra, file)
}

func (f *passedFiles) close() {
	for _, file := range f.files {
		_ = file.Close()
	}
}

// closeUnused gives up what was prepared for a process that did not start.
func (e *endpoint) closeUnused(extra *passedFiles) {
	e.notify.close()
	if extra.channel != nil {
		_ = extra.channel.Close()
	}
	if e.listener != nil {
		_ = e.listener.Close()
	}
}

// prepare adds to the request what the process needs for its connections.
func (e *endpoint) prepare(request *process.Spec, extra *passedFiles) error {
	e.environ = slices.Clip(request.Env)
	e.listenForNotices(request)
	switch e.app.Sharing {
	case spec.ShareNode:
		if e.ports.intercepts {
			request.Prepare = e.install
		}
		return e.connect(extra, strconv.FormatUint(uint64(e.owner), 10))
	case spec.ShareIntercept:
		request.Prepare = e.install
	case spec.ShareInherit:
		if err := e.inherit(extra); err != nil {
			return err
		}
	case spec.ShareNone:
		if e.ports.intercepts {
			request.Prepare = e.install
		}
	}
	if e.app.Node {
		return e.connect(extra, "")
	}
	return nil
}

// connect gives a Node worker its IPC channel.
func (e *endpoint) connect(extra *passedFiles, uniqueID string) error {
	conn, child, err := node.Pair()
	if err != nil {
		return fmt.Errorf("make an IPC channel: %w", err)
	}
	extra.channel = conn
	request := extra.request
	request.Env = append(request.Env, node.Environ(firstExtra+len(request.Extra), uniqueID)...)
	extra.add(child)
	if e.app.NodeMetrics {
		request.Env = node.Instrument(request.Env)
	}
	return nil
}

// firstExtra is the descriptor of a process's first extra file, see os/exec.
const firstExtra = 3

// install installs the filter whose notifications the interception answers; it
// runs between fork and exec.
func (e *endpoint) install() (err error) {
	if e.listener != nil {
		_ = e.listener.Close() // a script without a #! line takes a second try
	}
	e.listener, err = intercept.Install()
	return err //nolint:wrapcheck // it says what was attempted
}

// inherit opens the sockets of `listen` and passes them on, see sd_listen_fds(3).
func (e *endpoint) inherit(extra *passedFiles) error {
	for _, socket := range e.app.Listen {
		member, err := e.ports.groups.Acquire(e.owner, socket.Address)
		if err != nil {
			return fmt.Errorf("open a socket to pass on: %w", err)
		}
		if err := member.Listen(unix.SOMAXCONN); err != nil {
			return fmt.Errorf("open a socket to pass on: %w", err)
		}
		fd, err := unix.FcntlInt(uintptr(member.Descriptor()), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("duplicate the socket for %s: %w", socket.Address, err)
		}
		extra.add(os.NewFile(uintptr(fd), socket.Address.String()))
		extra.request.ListenNames = append(extra.request.ListenNames, socket.Name)
	}
	return nil
}

func (e *endpoint) openChannel(conn *net.UnixConn) {
	e.channel = node.Open(conn, node.Options{
		Cluster: e.ports.app.Sharing == spec.ShareNode,
		Share:   e.share,
		TLSData: &e.ports.keys,
		Listening: func(address sockets.Address) {
			e.served.Store(true)
			if e.ports.wanted(address) {
				e.reports.markListening()
			}
		},
		Message: e.receive,
		Log:     e.ports.deps.Log,
	})
}

func (e *endpoint) share(address sockets.Address) (*sockets.Member, error) {
	return e.ports.groups.Acquire(e.owner, address) //nolint:wrapcheck // the kernel's word is passed on to the program
}

// serveInterception answers the program's calls until its tree is gone.
func (e *endpoint) serveInterception(p *process.Process) {
	var ctx context.Context
	ctx, e.cancelServe = context.WithCancel(context.Background())
	options := intercept.Options{
		Share: e.share, Wanted: e.ports.wanted, Tree: p.Members, Log: e.ports.deps.Log,
		Listening: func(sockets.Address) { e.reports.markListening() },
		Observe:   e.ports.app.Sharing == spec.ShareNone,
		User:      e.ports.app.User.Credential(),
	}
	e.ports.Go(func() { _ = intercept.Serve(ctx, e.listener, options) }) // ends with the tree, or when it is cancelled
}

// ReportsListening implements Endpoint.
func (e *endpoint) ReportsListening() bool {
	return e.listener != nil || e.app.Sharing == spec.ShareNode
}

// AcceptTraffic steers connections to the run, also those that wait for one that
// is gone and may be away for long.
func (e *endpoint) AcceptTraffic() {
	e.ports.logError(e.ports.groups.Online(e.owner))
	e.ports.relay()
}

// TakeOver steers to the run what went to the one before, in one step.
func (e *endpoint) TakeOver(from Endpoint) {
	old, shared := from.(*endpoint)
	if !shared {
		e.AcceptTraffic()
		return
	}
	e.ports.logError(e.ports.groups.Replace(old.owner, e.owner))
	e.ports.relay()
}

// StopTraffic steers connections elsewhere, at once.
func (e *endpoint) StopTraffic() { e.ports.logError(e.ports.groups.Offline(e.owner)) }

// Release is called when nothing of the process is left.
func (e *endpoint) Release() {
	if e.channel != nil {
		_ = e.channel.Close() // the process is gone
	}
	e.cancelServe()
	e.stopCheck()
	e.notify.stop()
	e.ports.release(e.owner)
	e.ports.relay()
}

// record keeps an event of the run.
func (e *endpoint) record(event status.Event) {
	event.App, event.Instance = e.app.Name, e.instance
	e.ports.deps.Record(event)
}
