package endpoint

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gorun/health"
	"gorun/supervisor/invocation/event"
	"gorun/supervisor/node"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
)

// probe connects to this one process, and checks its health.
type probe struct {
	ports        *SharedPorts
	app          *spec.App
	owner        sockets.Owner
	events       *eventBuffer
	process      *process.Process
	reported     bool               // it is, when the process listens
	environ      []string           // of the process
	channel      *node.Channel      // nil: no Node
	listensByIPC atomic.Bool        // it listens on a socket that it got over the channel
	stop         context.CancelFunc // ends the health check
}

// start begins the health check.
func (p *probe) start() {
	check := p.app.Health
	if check == nil {
		return
	}
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	prober := health.Prober{
		Port: p.portOf(check.Port()),
		Dial: func(ctx context.Context) (net.Conn, error) { return p.dial(ctx, check.Port()) },
		Exec: p.exec,
	}
	p.ports.Go(func() {
		if len(check.Exec) == 0 && p.reported && !p.awaitListening(ctx) {
			return
		}
		check.Run(ctx, prober, func(r health.Result) { p.events.send(event.Event{Kind: event.Checked, Check: r}) })
	})
}

// awaitListening waits until the process listens: before, a check could only fail. It
// returns false when ctx ended first.
func (p *probe) awaitListening(ctx context.Context) bool {
	limit := time.NewTimer(p.app.ListenTimeout)
	defer limit.Stop()
	select {
	case <-p.events.listening:
	case <-limit.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// portOf is where the process listens, as far as its configuration says.
func (p *probe) portOf(asked int) int {
	if asked != 0 {
		return asked
	}
	for _, pair := range p.environ {
		if text, found := strings.CutPrefix(pair, "PORT="); found {
			if port, err := strconv.Atoi(text); err == nil {
				return port
			}
		}
	}
	return p.app.Port
}

// dial connects to exactly this process: behind a shared port from its probe address,
// to a Node worker over its channel, else at its own port. Port 0 is the app's. Where a
// shared socket has no probe address, whichever worker accepts answers.
func (p *probe) dial(ctx context.Context, port int) (net.Conn, error) {
	groups := p.ports.groups
	if p.ports.Shared() {
		conn, err := groups.DialOwner(ctx, p.owner, port)
		if !errors.Is(err, sockets.ErrNoProbeAddress) {
			return conn, err //nolint:wrapcheck // its words are for people as they are
		}
	}
	for _, address := range groups.Addresses() {
		if !address.Fits(port) {
			continue
		}
		if p.listensByIPC.Load() {
			return p.channel.Dial(address) //nolint:wrapcheck // as above
		}
		p.warn(address)
		return address.Dial(ctx) //nolint:wrapcheck // as above
	}
	if port = p.portOf(port); port == 0 {
		return nil, errors.New("no port to probe: set `port` on the app or in the check")
	}
	return p.bound(port).Dial(ctx) //nolint:wrapcheck // as above
}

// bound is where the process listens on a port: often at one address alone, such as the
// one that HOSTNAME stands for. Where that is unknown the loopback has to do.
func (p *probe) bound(port int) sockets.Address {
	loopback := sockets.Address{Port: port}
	all, err := sockets.Listeners(port)
	if err != nil || !slices.ContainsFunc(all, func(one sockets.Listener) bool { return !onLoopback(one.Address.IP) }) {
		return loopback
	}
	own, err := sockets.Inodes(p.process.Members(), p.app.User.Credential())
	for _, one := range all {
		if own[one.Inode] || err != nil && len(all) == 1 {
			return one.Address
		}
	}
	return loopback
}

// onLoopback reports whether whoever listens there is reached over the loopback of IPv4.
func onLoopback(ip netip.Addr) bool {
	return ip.IsUnspecified() || ip == netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// warn logs, once, that a check does not reach the worker that it is about.
func (p *probe) warn(address sockets.Address) {
	if p.app.Instances > 1 {
		p.ports.warnOnce.Do(func() {
			p.ports.deps.Log.Warn("health checks and metrics reach whichever worker answers: this socket has no addresses for single ones",
				"app", p.app.Name, "socket", address)
		})
	}
}

// exec runs a command of the health check beside the process, as its user and
// with its environment.
func (p *probe) exec(ctx context.Context, argv []string) error {
	return process.Run(ctx, p.ports.deps.Reaper, process.Spec{
		Argv: argv, Env: p.environ, Dir: p.app.Dir, User: p.app.User.Credential(), Memory: p.ports.deps.Cgroup.MemoryLimit(),
	})
}
