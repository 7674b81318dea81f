package endpoint

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/supervisor/invocation/event"
	"gorun/supervisor/node"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
)

// firstExtra is the descriptor of a process's first extra file, see os/exec.
const firstExtra = 3

// Start starts the process with what it needs for its connections: request gets what
// the endpoint adds. The error says what could not be started.
func (e *Endpoint) Start(request *process.Spec) (*process.Process, error) {
	extra := &passedFiles{request: request}
	defer extra.close() // the child has its own
	err := e.prepare(request, extra)
	if err == nil {
		e.process, err = process.Start(e.ports.deps.Reaper, *request)
	}
	if err != nil {
		e.closeUnused(extra)
		return nil, err
	}
	if extra.channel != nil {
		e.openChannel(extra.channel)
	}
	e.interception.serve(e)
	e.notices.start(e.ports, e.process.Pid())
	e.probe.process = e.process
	e.probe.reported = e.ReportsListening()
	e.probe.start()
	e.poller.start(e.process)
	return e.process, nil
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

// connect gives a Node worker its IPC channel. uniqueID names it in Node's cluster;
// "": it is in none.
func (f *passedFiles) connect(uniqueID string) error {
	conn, child, err := node.Pair()
	if err != nil {
		return fmt.Errorf("make an IPC channel: %w", err)
	}
	f.channel = conn
	f.request.Env = append(f.request.Env, node.Environ(firstExtra+len(f.request.Extra), uniqueID)...)
	f.add(child)
	return nil
}

// listen adds a member that listens, as sd_listen_fds(3) passes it on.
func (f *passedFiles) listen(member *sockets.Member, socket spec.Socket) error {
	if err := member.Listen(unix.SOMAXCONN); err != nil {
		return fmt.Errorf("open a socket to pass on: %w", err)
	}
	// The mode is the socket's: whoever had it before may have changed it.
	if err := unix.SetNonblock(member.Descriptor(), socket.NonBlock); err != nil {
		return fmt.Errorf("set the mode of the socket for %s: %w", member.Address(), err)
	}
	fd, err := unix.FcntlInt(uintptr(member.Descriptor()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("duplicate the socket for %s: %w", member.Address(), err)
	}
	f.add(os.NewFile(uintptr(fd), member.Address().String()))
	f.request.ListenNames = append(f.request.ListenNames, socket.Name)
	return nil
}

// closeUnused gives up what was prepared for a process that did not start.
func (e *Endpoint) closeUnused(extra *passedFiles) {
	e.notices.close()
	if extra.channel != nil {
		_ = extra.channel.Close()
	}
	e.interception.close()
}

// prepare adds to the request what the process needs for its connections.
func (e *Endpoint) prepare(request *process.Spec, extra *passedFiles) error {
	e.probe.environ = slices.Clip(request.Env)
	e.inspector.assign(e, request)
	e.notices.listen(e, request)
	if e.app.Sharing == spec.ShareIntercept || e.ports.intercepts {
		request.Prepare = e.interception.install
	}
	switch e.app.Sharing {
	case spec.ShareNode:
		return e.ipc.connect(extra, strconv.FormatUint(uint64(e.owner), 10))
	case spec.ShareInherit:
		for _, socket := range e.app.Listen {
			member, err := e.ports.groups.Acquire(e.owner, socket.Address)
			if err != nil {
				return fmt.Errorf("open a socket to pass on: %w", err)
			}
			if err := extra.listen(member, socket); err != nil {
				return err
			}
		}
	case spec.ShareIntercept, spec.ShareNone:
	}
	if e.app.Node {
		return e.ipc.connect(extra, "")
	}
	return nil
}

func (e *Endpoint) openChannel(conn *net.UnixConn) {
	e.ipc.channel = node.Open(conn, node.Options{
		Cluster: e.ports.app.Sharing == spec.ShareNode,
		Share:   e.share,
		LibUV:   func() string { return libUV(e.ports.deps, e.app, e.probe.environ) },
		TLSData: &e.ports.keys,
		Listening: func(address sockets.Address) {
			if node.IsClient(address) {
				return // and serves nobody
			}
			e.probe.listensByIPC.Store(true)
			e.listens(address)
		},
		Closed:  e.closed,
		Message: e.ipc.receive,
		Log:     e.ports.deps.Log,
	})
	e.probe.channel = e.ipc.channel
	e.ports.connected(e.owner, e.ipc.channel)
}

// listens takes note that the process listens at the address. A port that the kernel
// chose, and a path with the process's own number in it, are for the process itself:
// nobody else can know them.
func (e *Endpoint) listens(address sockets.Address) {
	private := address.Key != "" || address.Kind == sockets.Unix && strings.Contains(filepath.Base(address.Path), strconv.Itoa(e.process.Pid()))
	if e.ports.sharesAddress(address) && !private {
		e.ports.listened.Store(true)
		e.events.markListening()
	}
}

// closed takes note that the process has closed its server at the address, and lives on.
// One that is to end may do so: who connects meanwhile waits for the one that follows.
func (e *Endpoint) closed(address sockets.Address) {
	if e.draining.Load() {
		return
	}
	e.ports.logError(e.ports.groups.Withdraw(e.owner, address))
	e.ports.relay()
	if !e.ports.groups.Serves(e.owner) {
		e.events.send(event.Event{Kind: event.StoppedListening})
	}
}

func (e *Endpoint) share(address sockets.Address) (*sockets.Member, error) {
	return e.ports.groups.Acquire(e.owner, address) //nolint:wrapcheck // the kernel's word is passed on to the program
}
