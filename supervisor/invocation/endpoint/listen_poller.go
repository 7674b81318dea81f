package endpoint

import (
	"context"
	"slices"
	"time"

	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
)

// listenPoll is how often is looked whether a run listens where the one before did.
const listenPoll = 25 * time.Millisecond

// previousPorts is where the runs of an app that shares nothing have listened, by instance. Of
// such a program nobody hears when it listens: but one that did so before will again.
// The kernel's own choices are left out, since they differ each time. Ports.mu guards it.
type previousPorts map[int][]int

// listenPoller waits for a run to listen where the one before did.
type listenPoller struct {
	ports    *SharedPorts
	app      *spec.App
	instance int
	events   *eventBuffer
	expected []int // nil: nobody knows
	stop     context.CancelFunc
}

// savePorts notes where the process listens before it is stopped.
func (a *listenPoller) savePorts(p *process.Process) {
	if !a.ports.pollsForListening() || p == nil || a.ports.terminating.Load() { // no run follows that could use it
		return
	}
	first := sockets.FirstEphemeral()
	ports := slices.DeleteFunc(sockets.Ports(p.Members(), a.app.User.Credential()), func(port int) bool { return port >= first })
	if len(ports) == 0 {
		return
	}
	a.ports.mu.Lock()
	defer a.ports.mu.Unlock()
	a.ports.previous[a.instance] = ports
}

// previousPortsOf returns where the run before listened; nil: nowhere, or nobody knows.
func (p *SharedPorts) previousPortsOf(instance int) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.previous[instance]
}

// pollsForListening reports whether the app's programs bind ports of which gorun hears nothing.
func (p *SharedPorts) pollsForListening() bool {
	return p.app.Sharing == spec.ShareNone && !p.intercepts
}

// start reports that the process listens once it does so wherever the one before did.
func (a *listenPoller) start(p *process.Process) {
	if len(a.expected) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), a.app.ListenTimeout)
	a.stop = cancel
	a.ports.Go(func() {
		defer cancel()
		look := time.NewTicker(listenPoll)
		defer look.Stop()
		for {
			ports := sockets.Ports(p.Members(), a.app.User.Credential())
			if !slices.ContainsFunc(a.expected, func(port int) bool { return !slices.Contains(ports, port) }) {
				a.events.markListening()
				return
			}
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
		}
	})
}
