package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
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

// link is what connects one run of a worker with the sockets it shares and,
// for Node, with gorun.
type link struct {
	sharing  *sharing
	app      *spec.App // what the run was started by
	environ  []string  // of its process
	owner    sockets.Owner
	instance int

	listening, ready chan struct{} // closed: it listens; it said that it is ready
	listens, says    func()        // close them, once

	extra    []*os.File    // the child's, closed here after the start
	conn     *net.UnixConn // gorun's end of Node's channel, until it is opened
	channel  *node.Channel // nil: no Node
	served   atomic.Bool   // it listens on a socket that it got over the channel
	process  *process.Process
	listener *os.File // of the interception; nil: none
	cancel   context.CancelFunc

	hearing   hearing
	figures   figures
	questions questions
}

func (s *sharing) link(conf *spec.App, instance int) *link {
	l := &link{
		sharing: s, app: conf, owner: s.owner(instance), instance: instance, cancel: func() {},
		listening: make(chan struct{}), ready: make(chan struct{}),
		hearing: newHearing(),
	}
	l.listens = sync.OnceFunc(func() { close(l.listening) })
	l.says = sync.OnceFunc(func() { close(l.ready) })
	return l
}

// prepare adds to the spec what the worker needs for it.
func (l *link) prepare(request *process.Spec) error {
	l.environ = slices.Clip(request.Env)
	l.listenForNotices(request)
	switch l.app.Sharing {
	case spec.ShareNode:
		if l.sharing.intercepts {
			request.Prepare = l.install
		}
		return l.connect(request, strconv.FormatUint(uint64(l.owner), 10))
	case spec.ShareIntercept:
		request.Prepare = l.install
	case spec.ShareInherit:
		if err := l.inherit(request); err != nil {
			return err
		}
	case spec.ShareNone:
		if l.sharing.intercepts {
			request.Prepare = l.install
		}
	}
	if l.app.Node {
		return l.connect(request, "")
	}
	return nil
}

// connect gives a Node worker its IPC channel.
func (l *link) connect(request *process.Spec, uniqueID string) error {
	conn, child, err := node.Pair()
	if err != nil {
		return fmt.Errorf("make an IPC channel: %w", err)
	}
	l.conn = conn
	request.Env = append(request.Env, node.Environ(firstExtra+len(request.Extra), uniqueID)...)
	l.give(request, child)
	if l.app.NodeMetrics {
		request.Env = node.Instrument(request.Env)
	}
	return nil
}

// firstExtra is the descriptor of a process's first extra file, see os/exec.
const firstExtra = 3

func (l *link) give(request *process.Spec, file *os.File) {
	l.extra = append(l.extra, file)
	request.Extra = append(request.Extra, file)
}

func (l *link) install() (err error) {
	if l.listener != nil {
		_ = l.listener.Close() // a script without a #! line takes a second try
	}
	l.listener, err = intercept.Install()
	return err //nolint:wrapcheck // it says what was attempted
}

// inherit opens the sockets of `listen` and passes them on, see sd_listen_fds(3).
func (l *link) inherit(request *process.Spec) error {
	for _, socket := range l.app.Listen {
		member, err := l.sharing.groups.Acquire(l.owner, socket.Address)
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
		l.give(request, os.NewFile(uintptr(fd), socket.Address.String()))
		request.ListenNames = append(request.ListenNames, socket.Name)
	}
	return nil
}

// begun is called once the process runs, or has failed to start with p nil.
func (l *link) begun(p *process.Process) {
	for _, file := range l.extra {
		_ = file.Close() // the child has its own
	}
	l.extra = nil
	if p == nil {
		l.giveUp()
		return
	}
	l.process = p
	if l.conn != nil {
		l.open()
	}
	if l.listener != nil {
		l.serve(p)
	}
	l.hearing.speaker = p.Pid()
	l.hearNotices()
	l.watch()
}

func (l *link) giveUp() {
	if l.hearing.notify != nil {
		_ = l.hearing.notify.Close()
	}
	if l.conn != nil {
		_ = l.conn.Close()
	}
	if l.listener != nil {
		_ = l.listener.Close()
	}
}

func (l *link) open() {
	s := l.sharing
	l.channel = node.Open(l.conn, node.Options{
		Cluster: s.app.Sharing == spec.ShareNode,
		Share:   l.take,
		TLSData: &s.keys,
		Listening: func(address sockets.Address) {
			l.served.Store(true)
			if s.wanted(address) {
				l.listens()
			}
		},
		Message: l.hear,
		Log:     s.tools.log,
	})
}

func (l *link) take(address sockets.Address) (*sockets.Member, error) {
	return l.sharing.groups.Acquire(l.owner, address) //nolint:wrapcheck // the kernel's word is passed on to the program
}

// hear takes a message of the app, or of what it has loaded.
func (l *link) hear(message json.RawMessage) {
	if string(message) == `"ready"` {
		l.says()
		return
	}
	switch node.TypeOf(message) {
	case node.TypeCustom:
		l.figures.hearCustom(message)
	case node.TypeVitals:
		l.figures.hearVitals(message)
	case node.TypeMetrics:
		l.questions.answer(message)
	default:
		l.sharing.tools.journal.note(status.Event{App: l.app.Name, Instance: l.instance, Kind: "message", Text: shorten(string(message)), Data: small(message)})
	}
}

// dataLimit is how much of a message an event keeps, in bytes.
const dataLimit = 16 << 10

// small is the message if it can be kept a thousand times.
func small(message json.RawMessage) json.RawMessage {
	if len(message) > dataLimit {
		return nil
	}
	return slices.Clone(message)
}

// textLimit is how much of a message an event shows to people, in bytes.
const textLimit = 200

func shorten(text string) string {
	if len(text) <= textLimit {
		return text
	}
	return strings.ToValidUTF8(text[:textLimit], "") + "…"
}

// serve answers the program's calls until its tree is gone.
func (l *link) serve(p *process.Process) {
	s := l.sharing
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	options := intercept.Options{
		Share: l.take, Wanted: s.wanted, Tree: p.Members, Log: s.tools.log,
		Listening: func(sockets.Address) { l.listens() },
		Observe:   s.app.Sharing == spec.ShareNone,
		User:      s.app.User.Credential(),
	}
	s.links.Go(func() { _ = intercept.Serve(ctx, l.listener, options) }) // ends with the tree, or when it is cancelled
}

// signs implements door. What cannot be told is nil.
func (l *link) signs() signs {
	s := signs{ready: l.ready, checked: l.hearing.checked, alive: l.hearing.alive, extend: l.hearing.extend, leaving: l.hearing.leaving}
	if l.listener != nil || l.app.Sharing == spec.ShareNode {
		s.listening = l.listening
	}
	return s
}

// online steers connections to the worker, also those that wait for one that
// is gone and may be away for long.
func (l *link) online() {
	l.sharing.complain(l.sharing.groups.Online(l.owner))
	l.sharing.relay()
}

// succeed steers to the worker's run what went to the one before, in one step.
func (l *link) succeed(before door) {
	old, isLink := before.(*link)
	if !isLink {
		l.online()
		return
	}
	l.sharing.complain(l.sharing.groups.Replace(old.owner, l.owner))
	l.sharing.relay()
}

// self implements door.
func (l *link) self() *link { return l }

// offline steers them elsewhere, at once.
func (l *link) offline() { l.sharing.complain(l.sharing.groups.Offline(l.owner)) }

// release is called when nothing of the process is left.
func (l *link) release() {
	if l.channel != nil {
		_ = l.channel.Close() // the worker is gone
	}
	l.cancel()
	l.hearing.unwatch()
	l.hearing.unheard()
	l.sharing.release(l.owner)
	l.sharing.relay()
}
