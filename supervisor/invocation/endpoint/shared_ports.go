package endpoint

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"gorun/signals/reaper"
	"gorun/supervisor/node"
	"gorun/supervisor/sockets"
	"gorun/supervisor/sockets/intercept"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
)

// Deps is what every invocation works with. Safe for concurrent use.
type Deps struct {
	Reaper  *reaper.Reaper
	Log     *slog.Logger
	Cgroup  usage.Cgroup
	UID     int                // gorun's own
	Journal func(status.Event) // keeps what happened; never waits
}

// SharedPorts are the ports that the workers of one app share, from the start of the
// first until the last has ended. Safe for concurrent use.
type SharedPorts struct {
	app    *spec.App
	deps   Deps
	groups *sockets.Groups
	closed chan struct{}

	// intercepts: for workers that share nothing, to hear when they listen; for
	// those of Node's cluster, to catch what they bind beside its channel.
	intercepts  bool
	keys        node.Keys      // what Node's workers tell each other of TLS
	owners      atomic.Uint64  // how many there were
	listened    atomic.Bool    // a run has
	terminating atomic.Bool    // every worker is stopping, and none is to follow
	servers     sync.WaitGroup // goroutines of the invocations
	warnOnce    sync.Once      // that no single worker can be reached
	hintOnce    sync.Once      // that messages between workers are not passed on

	mu       sync.Mutex
	runs     map[sockets.Owner]run
	previous previousPorts
}

// run is one run of an instance.
type run struct {
	instance  int
	inspector int           // how far its inspector's port is above that of the first
	channel   *node.Channel // nil: it has none
}

// NewSharedPorts prepares the ports of an app; none is open yet.
func NewSharedPorts(conf *spec.App, deps Deps) *SharedPorts {
	p := &SharedPorts{
		app: conf, deps: deps, groups: sockets.New(conf.Balance), closed: make(chan struct{}),
		runs: map[sockets.Owner]run{}, previous: previousPorts{},
	}
	switch conf.Sharing {
	case spec.ShareNone:
		p.intercepts = conf.Port != 0 && intercept.Available() == nil
	case spec.ShareNode:
		p.intercepts = !conf.ChannelOnly && intercept.Available() == nil
	case spec.ShareIntercept, spec.ShareInherit:
	}
	return p
}

// CheckSharing says why the app's workers cannot share their ports here, before
// anything is started: better one clear error than workers of which all but one
// end with EADDRINUSE.
func CheckSharing(conf *spec.App) error {
	if conf.Sharing == spec.ShareNone {
		return nil
	}
	if conf.Sharing == spec.ShareIntercept {
		if err := intercept.Available(); err != nil {
			return fmt.Errorf("app %s: its workers cannot share a port here: %w; ways that remain: "+
				"a Node script that node runs itself (sharing: node), a program that takes sockets passed on (listen: [8080]), "+
				"or exec_mode: fork with a port for each worker (increment_var: PORT)", conf.Name, err)
		}
	}
	return nil
}

// SameSharing reports whether workers of both revisions of an app can share their
// sockets.
func SameSharing(a, b *spec.App) bool {
	same := func(x, y spec.Socket) bool { return x.Address == y.Address && x.Name == y.Name }
	return a.Mode == b.Mode && a.Sharing == b.Sharing && a.Balance == b.Balance && a.Node == b.Node && a.Port == b.Port &&
		a.ChannelOnly == b.ChannelOnly && slices.EqualFunc(a.Listen, b.Listen, same) && reflect.DeepEqual(a.User, b.User)
}

// Deps is what the invocations work with. It never changes.
func (p *SharedPorts) Deps() Deps { return p.deps }

// owner returns a name for one run of the instance.
func (p *SharedPorts) owner(instance int) sockets.Owner {
	owner := sockets.Owner(p.owners.Add(1))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs[owner] = run{instance: instance, inspector: p.freeInspector(instance)}
	return owner
}

// freeInspector returns the instance's own number or, while another run of it has that,
// the first beyond all instances.
func (p *SharedPorts) freeInspector(instance int) int {
	taken := map[int]bool{}
	next := p.app.Instances
	for _, other := range p.runs {
		taken[other.inspector] = true
		next = max(next, other.instance+1)
	}
	if !taken[instance] {
		return instance
	}
	for taken[next] {
		next++
	}
	return next
}

func (p *SharedPorts) inspectorOffset(owner sockets.Owner) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runs[owner].inspector
}

// release frees what a run that has ended had, for the next one.
func (p *SharedPorts) release(owner sockets.Owner) {
	p.logError(p.groups.Release(owner))
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.runs, owner)
}

// logError logs what the kernel refused: the workers run on, but connections
// are not spread as they should be.
func (p *SharedPorts) logError(err error) {
	if err != nil {
		p.deps.Log.Error("cannot steer connections", "app", p.app.Name, "error", err)
	}
}

// Go runs what serves an invocation in a goroutine that Close waits for.
func (p *SharedPorts) Go(serve func()) { p.servers.Go(serve) }

// Close closes the sockets once no invocation is left that could ask for one: from
// then on the app's ports refuse.
func (p *SharedPorts) Close() {
	close(p.closed)
	p.servers.Wait()
	p.groups.Close()
}

// relay passes on what waits on sockets without a worker. It is called when such a
// socket comes to be, and when there is a worker to pass it on to. It goes on in the
// background until it is done or the ports are closed.
func (p *SharedPorts) relay() {
	if !p.Shared() {
		return
	}
	p.Go(func() {
		p.groups.RelayAll(p.closed, func(n int) {
			p.deps.Log.Info("connections passed on that waited for a worker", "app", p.app.Name, "connections", n)
		})
		if p.allOnline() {
			p.groups.CloseUnowned()
		}
	})
}

// allOnline reports whether every run is online: none is to listen yet.
func (p *SharedPorts) allOnline() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.runs) > 0 && len(p.runs) == p.groups.CountOnline()
}

// Queues are the accept queues, with the instance that each belongs to.
func (p *SharedPorts) Queues() []status.Port {
	queues := p.groups.Queues()
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []status.Port
	for _, queue := range queues {
		for _, owner := range queue.Owners {
			if of, found := p.runs[owner]; found {
				all = addQueue(all, status.Port{Address: queue.Address.String(), Instance: of.instance, Length: queue.Length, Limit: queue.Limit})
			}
		}
	}
	return all
}

// addQueue adds a queue to the others; an instance that has two runs, one coming
// and one going, has one figure.
func addQueue(all []status.Port, one status.Port) []status.Port {
	for i := range all {
		if all[i].Address == one.Address && all[i].Instance == one.Instance {
			all[i].Length, all[i].Limit = all[i].Length+one.Length, all[i].Limit+one.Limit
			return all
		}
	}
	return append(all, one)
}

// Relayed counts the connections that gorun has passed on itself.
func (p *SharedPorts) Relayed() []status.Relay {
	counts := p.groups.Relayed()
	var all []status.Relay
	for _, address := range p.groups.Addresses() {
		all = append(all, status.Relay{Address: address.String(), Connections: counts[address]})
	}
	return all
}

// sharesAddress reports whether the app's workers share the address: with `port`, that
// one alone.
func (p *SharedPorts) sharesAddress(address sockets.Address) bool {
	return p.app.Port == 0 || address.Port == p.app.Port
}

// Shared reports whether there are any: two invocations of a worker may then serve
// at once.
func (p *SharedPorts) Shared() bool { return p.app.Sharing != spec.ShareNone }

// HaveListened reports whether a run of the app has listened on an address that others
// can know.
func (p *SharedPorts) HaveListened() bool { return p.listened.Load() }

// Shares reports whether workers share a port of that number now.
func (p *SharedPorts) Shares(port int) bool {
	return slices.ContainsFunc(p.groups.Addresses(), func(a sockets.Address) bool { return a.Port == port })
}

// SetTerminating says whether every worker is stopping, and none is to follow. Anybody
// may call it.
func (p *SharedPorts) SetTerminating(ending bool) { p.terminating.Store(ending) }

// park keeps new clients waiting where the worker that leaves is the last: for
// the one that follows or, at the end of the app, for nobody. Clients that gorun
// never answered will ask elsewhere, or again.
func (p *SharedPorts) park() {
	queue := -1
	if p.terminating.Load() {
		queue = 0
	}
	if p.Shared() {
		p.logError(p.groups.QueueConnections(queue))
	}
}
