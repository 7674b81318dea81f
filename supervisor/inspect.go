package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gorun/health"
	"gorun/supervisor/notify"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// hearing is what a run is heard through.
type hearing struct {
	notify  *notify.Socket // nil: none could be had
	checked chan health.Result
	alive   chan struct{}          // one may be pending
	extend  chan time.Duration     // one may be pending
	leaving chan struct{}          // one may be pending
	speaker int                    // the process that speaks for the worker; the hearer's own, once it hears
	unwatch context.CancelFunc     // ends the health check
	unheard context.CancelFunc     // ends to hear what it notifies
	notice  atomic.Pointer[string] // the last STATUS=
}

func newHearing() hearing {
	return hearing{
		alive: make(chan struct{}, 1), extend: make(chan time.Duration, 1), leaving: make(chan struct{}, 1),
		unwatch: func() {}, unheard: func() {},
	}
}

// watch begins the app's health check of this one process.
func (l *link) watch() {
	check := l.app.Health
	if check == nil {
		return
	}
	var ctx context.Context
	ctx, l.hearing.unwatch = context.WithCancel(context.Background())
	l.hearing.checked = make(chan health.Result)
	prober := health.Prober{
		Port: l.portOf(check.Port()),
		Dial: func(ctx context.Context) (net.Conn, error) { return l.dial(ctx, check.Port()) },
		Exec: l.exec,
	}
	l.sharing.links.Go(func() {
		if len(check.Exec) == 0 && !l.awaitListening(ctx) {
			return
		}
		check.Run(ctx, prober, func(r health.Result) {
			select {
			case l.hearing.checked <- r:
			case <-ctx.Done():
			}
		})
	})
}

// awaitListening waits until the process listens, where that can be told: before,
// a check could only fail. It returns false when ctx ended first.
func (l *link) awaitListening(ctx context.Context) bool {
	listening := l.signs().listening
	if listening == nil {
		return true
	}
	limit := time.NewTimer(l.app.ListenTimeout)
	defer limit.Stop()
	select {
	case <-listening:
	case <-limit.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// portOf is where the process listens, as far as its configuration says.
func (l *link) portOf(asked int) int {
	if asked != 0 {
		return asked
	}
	for _, pair := range l.environ {
		if text, found := strings.CutPrefix(pair, "PORT="); found {
			if port, err := strconv.Atoi(text); err == nil {
				return port
			}
		}
	}
	return l.app.Port
}

var errNowhere = errors.New("it does not listen yet")

// dial connects to exactly this process: behind a shared port from its probe
// address, else at its own port. Port 0 is the app's.
func (l *link) dial(ctx context.Context, port int) (net.Conn, error) {
	if l.sharing.shares() {
		for _, target := range l.sharing.groups.Probe(l.owner) {
			if port == 0 || target.Address.Port == port {
				dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(target.From, 0))}
				return dialer.DialContext(ctx, "tcp", target.To.String()) //nolint:wrapcheck // its words are for people as they are
			}
		}
		if len(l.sharing.groups.Addresses()) == 0 || l.reachable() {
			return nil, errNowhere
		}
	}
	return l.dialAny(ctx, port)
}

// reachable tells whether a socket of the app has probe addresses.
func (l *link) reachable() bool {
	for _, address := range l.sharing.groups.Addresses() {
		if l.app.Balance != sockets.Shared && address.Probe(0).IsValid() {
			return true
		}
	}
	return false
}

// dialAny connects where a socket has no probe address: to a Node worker over
// its channel, else to the address itself, whichever worker answers.
func (l *link) dialAny(ctx context.Context, port int) (net.Conn, error) {
	for _, address := range l.sharing.groups.Addresses() {
		if fits := address.Kind == sockets.Unix || address.Kind == sockets.TCP && (port == 0 || address.Port == port); fits && l.served.Load() {
			return l.channel.Dial(address) //nolint:wrapcheck // its words are for people as they are
		}
		l.warn(address)
		if address.Kind == sockets.Unix {
			return new(net.Dialer).DialContext(ctx, "unix", address.Path) //nolint:wrapcheck // its words are for people as they are
		}
		if address.Kind == sockets.TCP && (port == 0 || address.Port == port) {
			return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("localhost", strconv.Itoa(address.Port))) //nolint:wrapcheck // as above
		}
	}
	if port = l.portOf(port); port == 0 {
		return nil, errors.New("nobody has said at which port; write port into the app's entry, or into the check")
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("localhost", strconv.Itoa(port))) //nolint:wrapcheck // as above
}

// warn tells, once, that a check does not reach the worker that it is about.
func (l *link) warn(address sockets.Address) {
	if l.app.Instances > 1 {
		l.sharing.vague.Do(func() {
			l.sharing.tools.log.Warn("health checks and metrics reach whichever worker answers: this socket has no addresses for single ones",
				"app", l.app.Name, "socket", address)
		})
	}
}

// exec runs a command of the health check beside the process, as its user and
// with its environment.
func (l *link) exec(ctx context.Context, argv []string) error {
	return aside(ctx, l.sharing.tools.reaper, process.Spec{
		Argv: argv, Env: l.environ, Dir: l.app.Dir, User: l.app.User.Credential(), Memory: l.sharing.tools.cgroup.MemoryLimit(),
	})
}

// listenForNotices gives the process a socket for sd_notify(3). Nothing depends
// on it unless the app says so.
func (l *link) listenForNotices(request *process.Spec) {
	user := l.sharing.tools.uid
	if l.app.User != nil {
		user = int(l.app.User.UID)
	}
	socket, err := notify.Listen(notify.Options{
		Dirs: []string{"/run/gorun", "/dev/shm"}, User: user, Watchdog: l.app.Watchdog, Log: l.sharing.tools.log,
		Owns: func(pid int) bool { return l.process != nil && slices.Contains(l.process.Members(), pid) },
	})
	if err != nil {
		l.sharing.tools.log.Debug("no socket for sd_notify", "app", l.app.Name, "error", err)
		return
	}
	l.hearing.notify = socket
	request.Env = append(withoutNotify(request.Env), socket.Environ()...)
}

// withoutNotify drops what somebody above gorun meant for gorun itself.
func withoutNotify(env []string) []string {
	var kept []string
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		if name != "NOTIFY_SOCKET" && name != "WATCHDOG_USEC" && name != "WATCHDOG_PID" {
			kept = append(kept, pair)
		}
	}
	return kept
}

// hearNotices hears what the process tells of itself until it is released.
func (l *link) hearNotices() {
	if l.hearing.notify == nil {
		return
	}
	var ctx context.Context
	ctx, l.hearing.unheard = context.WithCancel(context.Background())
	l.sharing.links.Go(func() {
		_ = l.hearing.notify.Run(ctx, l.noted) // ends with ctx
		_ = l.hearing.notify.Close()
	})
}

// noted takes one notice. It never waits.
func (l *link) noted(m notify.Message) {
	if m.Ready {
		if l.app.WaitReady && !closed(l.ready) {
			l.hearing.speaker = m.Sender // behind npm it is not the first
		}
		l.says()
	}
	if m.KeepAlive {
		pend(l.hearing.alive)
	}
	if m.Stopping && m.Sender == l.hearing.speaker { // and not a helper of it
		pend(l.hearing.leaving)
	}
	if m.Extend > 0 {
		select {
		case l.hearing.extend <- m.Extend:
		default:
		}
	}
	if m.Status != nil {
		l.hearing.notice.Store(m.Status)
		l.sharing.tools.journal.note(status.Event{App: l.app.Name, Instance: l.instance, Kind: "status", Text: *m.Status})
	}
}

// pend leaves a note for who comes by, if there is none yet.
func pend(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// said is what the process has said of itself last.
func (l *link) said() string {
	if text := l.hearing.notice.Load(); text != nil {
		return *text
	}
	return ""
}

// Spec is what an app is to be; nil where there is none of that name.
func (s *Supervisor) Spec(name string) *spec.App {
	for _, a := range s.apps() {
		if a.name == name {
			return a.look().conf
		}
	}
	return nil
}

// Dial connects to exactly one worker, at a port that it listens on; 0: the
// first.
func (s *Supervisor) Dial(ctx context.Context, target status.Target, port int) (net.Conn, error) {
	all, err := s.workers([]status.Target{target})
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if l := w.link.Load(); l != nil {
			return l.dial(ctx, port)
		}
	}
	return nil, fmt.Errorf("%w: %s/%d has no process", ErrUnknown, target.App, target.Instance)
}
