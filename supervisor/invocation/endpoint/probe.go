package endpoint

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"gorun/health"
	"gorun/supervisor/invocation/event"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
)

// startCheck begins the health check of this one process.
func (e *Endpoint) startCheck() {
	check := e.app.Health
	if check == nil {
		return
	}
	var ctx context.Context
	ctx, e.stopCheck = context.WithCancel(context.Background())
	prober := health.Prober{
		Port: e.portOf(check.Port()),
		Dial: func(ctx context.Context) (net.Conn, error) { return e.Dial(ctx, check.Port()) },
		Exec: e.exec,
	}
	e.ports.Go(func() {
		if len(check.Exec) == 0 && !e.awaitListening(ctx) {
			return
		}
		check.Run(ctx, prober, func(r health.Result) { e.reports.send(event.Event{Kind: event.Checked, Check: r}) })
	})
}

// awaitListening waits until the process listens, where that is reported: before,
// a check could only fail. It returns false when ctx ended first.
func (e *Endpoint) awaitListening(ctx context.Context) bool {
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
func (e *Endpoint) portOf(asked int) int {
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

// Dial connects to exactly this process: behind a shared port from its probe address,
// to a Node worker over its channel, else at its own port. Port 0 is the app's. Where a
// shared socket has no probe address, whichever worker accepts answers.
func (e *Endpoint) Dial(ctx context.Context, port int) (net.Conn, error) {
	groups := e.ports.groups
	if e.ports.Shared() {
		conn, err := groups.DialOwner(ctx, e.owner, port)
		if !errors.Is(err, sockets.ErrNoProbeAddress) {
			return conn, err //nolint:wrapcheck // its words are for people as they are
		}
	}
	for _, address := range groups.Addresses() {
		if !address.Fits(port) {
			continue
		}
		if e.served.Load() {
			return e.channel.Dial(address) //nolint:wrapcheck // as above
		}
		e.warn(address)
		return address.Dial(ctx) //nolint:wrapcheck // as above
	}
	if port = e.portOf(port); port == 0 {
		return nil, errors.New("no port to probe: set `port` on the app or in the check")
	}
	return sockets.Address{Port: port}.Dial(ctx) //nolint:wrapcheck // as above
}

// warn logs, once, that a check does not reach the worker that it is about.
func (e *Endpoint) warn(address sockets.Address) {
	if e.app.Instances > 1 {
		e.ports.warnOnce.Do(func() {
			e.ports.deps.Log.Warn("health checks and metrics reach whichever worker answers: this socket has no addresses for single ones",
				"app", e.app.Name, "socket", address)
		})
	}
}

// exec runs a command of the health check beside the process, as its user and
// with its environment.
func (e *Endpoint) exec(ctx context.Context, argv []string) error {
	return process.Run(ctx, e.ports.deps.Reaper, process.Spec{
		Argv: argv, Env: e.environ, Dir: e.app.Dir, User: e.app.User.Credential(), Memory: e.ports.deps.Cgroup.MemoryLimit(),
	})
}
