package invocation

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gorun/health"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
)

// checkSource is the app's health check of one run.
type checkSource struct {
	stop context.CancelFunc // ends it
}

// startCheck begins the health check of this one process.
func (e *endpoint) startCheck() {
	check := e.app.Health
	if check == nil {
		return
	}
	var ctx context.Context
	ctx, e.check.stop = context.WithCancel(context.Background())
	prober := health.Prober{
		Port: e.portOf(check.Port()),
		Dial: func(ctx context.Context) (net.Conn, error) { return e.dial(ctx, check.Port()) },
		Exec: e.exec,
	}
	e.ports.Go(func() {
		if len(check.Exec) == 0 && !e.awaitListening(ctx) {
			return
		}
		check.Run(ctx, prober, func(r health.Result) { e.reports.send(Event{Kind: Checked, Check: r}) })
	})
}

// awaitListening waits until the process listens, where that is reported: before,
// a check could only fail. It returns false when ctx ended first.
func (e *endpoint) awaitListening(ctx context.Context) bool {
	if !e.ReportsListening() {
		return true
	}
	limit := time.NewTimer(e.app.ListenTimeout)
	defer limit.Stop()
	select {
	case <-e.reports.listening:
	case <-limit.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// portOf is where the process listens, as far as its configuration says.
func (e *endpoint) portOf(asked int) int {
	if asked != 0 {
		return asked
	}
	for _, pair := range e.environ {
		if text, found := strings.CutPrefix(pair, "PORT="); found {
			if port, err := strconv.Atoi(text); err == nil {
				return port
			}
		}
	}
	return e.app.Port
}

var errNowhere = errors.New("it does not listen yet")

// dial connects to exactly this process: behind a shared port from its probe
// address, else at its own port. Port 0 is the app's.
func (e *endpoint) dial(ctx context.Context, port int) (net.Conn, error) {
	if e.ports.Shared() {
		for _, target := range e.ports.groups.Probe(e.owner) {
			if port == 0 || target.Address.Port == port {
				dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(target.From, 0))}
				return dialer.DialContext(ctx, "tcp", target.To.String()) //nolint:wrapcheck // its words are for people as they are
			}
		}
		if len(e.ports.groups.Addresses()) == 0 || e.reachable() {
			return nil, errNowhere
		}
	}
	return e.dialAny(ctx, port)
}

// reachable reports whether a socket of the app has probe addresses.
func (e *endpoint) reachable() bool {
	for _, address := range e.ports.groups.Addresses() {
		if e.app.Balance != sockets.Shared && address.Probe(0).IsValid() {
			return true
		}
	}
	return false
}

// dialAny connects where a socket has no probe address: to a Node worker over
// its channel, else to the address itself, whichever worker answers.
func (e *endpoint) dialAny(ctx context.Context, port int) (net.Conn, error) {
	for _, address := range e.ports.groups.Addresses() {
		if fits := address.Kind == sockets.Unix || address.Kind == sockets.TCP && (port == 0 || address.Port == port); fits && e.served.Load() {
			return e.channel.Dial(address) //nolint:wrapcheck // its words are for people as they are
		}
		e.warn(address)
		if address.Kind == sockets.Unix {
			return new(net.Dialer).DialContext(ctx, "unix", address.Path) //nolint:wrapcheck // its words are for people as they are
		}
		if address.Kind == sockets.TCP && (port == 0 || address.Port == port) {
			return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("localhost", strconv.Itoa(address.Port))) //nolint:wrapcheck // as above
		}
	}
	if port = e.portOf(port); port == 0 {
		return nil, errors.New("no port to probe: set `port` on the app or in the check")
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("localhost", strconv.Itoa(port))) //nolint:wrapcheck // as above
}

// warn logs, once, that a check does not reach the worker that it is about.
func (e *endpoint) warn(address sockets.Address) {
	if e.app.Instances > 1 {
		e.ports.warnOnce.Do(func() {
			e.ports.deps.Log.Warn("health checks and metrics reach whichever worker answers: this socket has no addresses for single ones",
				"app", e.app.Name, "socket", address)
		})
	}
}

// exec runs a command of the health check beside the process, as its user and
// with its environment.
func (e *endpoint) exec(ctx context.Context, argv []string) error {
	return process.Run(ctx, e.ports.deps.Reaper, process.Spec{
		Argv: argv, Env: e.environ, Dir: e.app.Dir, User: UserOf(e.app), Memory: e.ports.deps.Cgroup.MemoryLimit(),
	})
}
