package endpoint

import (
	"context"
	"slices"
	"time"

	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
)

// againLook is how often is looked whether a run listens where the one before did.
const againLook = 25 * time.Millisecond

// past is where the runs of an app that shares nothing have listened, by instance. Of
// such a program nobody hears when it listens: but one that did so before will again.
// The kernel's own choices are left out, since they differ each time. Ports.mu guards it.
type past map[int][]int

// remember notes where the run listens before it is stopped.
func (e *Endpoint) remember() {
	if !e.ports.watchesFork() || e.process == nil {
		return
	}
	first := sockets.FirstEphemeral()
	ports := slices.DeleteFunc(sockets.Ports(e.process.Members(), e.app.User.Credential()), func(port int) bool { return port >= first })
	if len(ports) == 0 {
		return
	}
	e.ports.mu.Lock()
	defer e.ports.mu.Unlock()
	e.ports.past[e.instance] = ports
}

// again returns where the run before listened; nil: nowhere, or nobody knows.
func (p *Ports) again(instance int) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.past[instance]
}

// watchesFork reports whether the app's programs bind ports of which gorun hears nothing.
func (p *Ports) watchesFork() bool { return p.app.Sharing == spec.ShareNone && !p.intercepts }

// awaitAgain reports that the run listens once it does so wherever the one before did.
func (e *Endpoint) awaitAgain(wanted []int) {
	if len(wanted) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.app.ListenTimeout)
	e.stopAgain = cancel
	e.ports.Go(func() {
		defer cancel()
		look := time.NewTicker(againLook)
		defer look.Stop()
		for {
			ports := sockets.Ports(e.process.Members(), e.app.User.Credential())
			if !slices.ContainsFunc(wanted, func(port int) bool { return !slices.Contains(ports, port) }) {
				e.reports.markListening()
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
