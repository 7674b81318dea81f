package supervisor

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gorun/supervisor/node"
	"gorun/supervisor/sockets"
	"gorun/supervisor/sockets/intercept"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// sharing is how the workers of one app come to the sockets they share. Safe
// for concurrent use.
type sharing struct {
	app    *spec.App
	tools  *tools
	groups *sockets.Groups
	closed chan struct{}

	// intercepts: for workers that share nothing, to hear when they listen; for
	// those of Node's cluster, to catch what they bind beside its channel.
	intercepts bool
	keys       node.Keys     // what Node's workers tell each other of TLS
	owners     atomic.Uint64 // how many there were
	ending     atomic.Bool   // every worker is on its way out, and none is to follow
	links      sync.WaitGroup
	vague      sync.Once // it has been told that no single worker can be reached

	mu        sync.Mutex
	instances map[sockets.Owner]int
}

func newSharing(conf *spec.App, t *tools) *sharing {
	s := &sharing{
		app: conf, tools: t, groups: sockets.New(conf.Balance), closed: make(chan struct{}),
		instances: map[sockets.Owner]int{},
	}
	switch conf.Sharing {
	case spec.ShareNone:
		s.intercepts = conf.Port != 0 && intercept.Available() == nil
	case spec.ShareNode:
		s.intercepts = !conf.ChannelOnly && intercept.Available() == nil
	case spec.ShareIntercept, spec.ShareInherit:
	}
	return s
}

// checkSharing tells whether the way to share works here, before anything is
// started: better one clear error than workers that die of EADDRINUSE, all but
// one.
func checkSharing(conf *spec.App, t *tools) error {
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
	t.log.Info("workers share their ports", "app", conf.Name, "sharing", conf.Sharing, "balance", conf.Balance)
	return nil
}

// sameSharing tells whether workers of both editions of an app can share their
// sockets.
func sameSharing(a, b *spec.App) bool {
	return a.Mode == b.Mode && a.Sharing == b.Sharing && a.Balance == b.Balance && a.Node == b.Node && a.Port == b.Port &&
		a.ChannelOnly == b.ChannelOnly && slices.Equal(a.Listen, b.Listen) && reflect.DeepEqual(a.User, b.User)
}

// owner returns a name for one run of the instance.
func (s *sharing) owner(instance int) sockets.Owner {
	owner := sockets.Owner(s.owners.Add(1))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instances[owner] = instance
	return owner
}

// release frees what a run that has ended had, for the next one.
func (s *sharing) release(owner sockets.Owner) {
	s.complain(s.groups.Release(owner))
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.instances, owner)
}

// complain logs what the kernel refused: the workers run on, but connections
// are not spread as they should be.
func (s *sharing) complain(err error) {
	if err != nil {
		s.tools.log.Error("cannot steer connections", "app", s.app.Name, "error", err)
	}
}

// close closes the sockets, once nobody is left who could ask for one: from
// then on the app's ports refuse.
func (s *sharing) close() {
	close(s.closed)
	s.links.Wait()
	s.groups.Close()
}

// relayDelays are when gorun looks for connections that wait for a worker that
// is gone: when its replacement has had a moment to take them, and again for
// those whose handshake was under way, or whose replacement failed. The last is
// repeated for as long as there are some: Relay takes up so many at a time.
var relayDelays = [...]time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second}

// relay passes on what waits on sockets without a worker. It is called when
// such a socket comes to be, and when there is somebody to pass it on to. It
// goes on in the background until it is done or the sharing is closed.
func (s *sharing) relay() {
	if s.shares() {
		s.links.Go(s.relayAll)
	}
}

func (s *sharing) relayAll() {
	last := len(relayDelays) - 1
	for i := 0; ; i = min(i+1, last) {
		select {
		case <-time.After(relayDelays[i]):
		case <-s.closed:
			return
		}
		n := s.groups.Relay()
		if n > 0 {
			s.tools.log.Info("connections passed on that waited for a worker", "app", s.app.Name, "connections", n)
		}
		if n == 0 && i == last {
			return
		}
	}
}

// ports tells the accept queues, with the instance that each belongs to.
func (s *sharing) ports() []status.Port {
	queues := s.groups.Queues()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []status.Port
	for _, queue := range queues {
		for _, owner := range queue.Owners {
			if instance, found := s.instances[owner]; found {
				all = add(all, status.Port{Address: queue.Address.String(), Instance: instance, Length: queue.Length, Limit: queue.Limit})
			}
		}
	}
	return all
}

// waiting counts the connections in the owner's accept queues.
func (s *sharing) waiting(owner sockets.Owner) int {
	n := 0
	for _, queue := range s.groups.Queues() {
		if slices.Contains(queue.Owners, owner) {
			n += queue.Length
		}
	}
	return n
}

// add puts a queue to the others; an instance that has two runs, one coming
// and one going, has one figure.
func add(all []status.Port, one status.Port) []status.Port {
	for i := range all {
		if all[i].Address == one.Address && all[i].Instance == one.Instance {
			all[i].Length, all[i].Limit = all[i].Length+one.Length, all[i].Limit+one.Limit
			return all
		}
	}
	return append(all, one)
}

func (s *sharing) relayed() []status.Relay {
	counts := s.groups.Relayed()
	var all []status.Relay
	for _, address := range s.groups.Addresses() {
		all = append(all, status.Relay{Address: address.String(), Connections: counts[address]})
	}
	return all
}

// wanted tells whether the app's workers share the address: with `port`, that
// one alone.
func (s *sharing) wanted(address sockets.Address) bool {
	return s.app.Port == 0 || address.Port == s.app.Port
}

// shares tells whether there are sockets at all.
func (s *sharing) shares() bool { return s.app.Sharing != spec.ShareNone }

// park keeps new clients waiting where the worker that leaves is the last: for
// the one that follows or, at the end of the app, for nobody. Those whom gorun
// never answered will ask elsewhere, or again.
func (s *sharing) park() {
	queue := -1
	if s.ending.Load() {
		queue = 0
	}
	if s.shares() {
		s.complain(s.groups.QueueConnections(queue))
	}
}
