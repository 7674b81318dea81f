package endpoint

import (
	"context"
	"slices"
	"time"

	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
)

// againLook is how often is looked whether a run listens where the one before did.
const againLook = 25 * time.Millisecond

// past is where the runs of an app that shares nothing have listened, by instance. Of
// such a program nobody hears when it listens: but one that did so before will again.
// The kernel's own choices are left out, since they differ each time. Ports.mu guards it.
type past map[int][]int

// again waits for a run to listen where the one before did.
type again struct {
	ports    *Ports
	app      *spec.App
	instance int
	reports  *reports
	wanted   []int // nil: nobody knows
	stop     context.CancelFunc
}

// remember notes where the process listens before it is stopped.
func (a *again) remember(p *process.Process) {
	if !a.ports.watchesFork() || p == nil {
		return
	}
	first := sockets.FirstEphemeral()
	ports := slices.DeleteFunc(sockets.Ports(p.Members(), a.app.User.Credential()), func(port int) bool { return port >= first })
	if len(ports) == 0 {
		return
	}
	a.ports.mu.Lock()
	defer a.ports.mu.Unlock()
	a.ports.past[a.instance] = ports
}

// again returns where the run before listened; nil: nowhere, or nobody knows.
func (p *Ports) again(instance int) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.past[instance]
}

// watchesFork reports whether the app's programs bind ports of which gorun hears nothing.
func (p *Ports) watchesFork() bool { return p.app.Sharing == spec.ShareNone && !p.intercepts }

// start reports that the process listens once it does so wherever the one before did.
func (a *again) start(p *process.Process) {
	if len(a.wanted) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), a.app.ListenTimeout)
	a.stop = cancel
	a.ports.Go(func() {
		defer cancel()
		look := time.NewTicker(againLook)
		defer look.Stop()
		for {
			ports := sockets.Ports(p.Members(), a.app.User.Credential())
			if !slices.ContainsFunc(a.wanted, func(port int) bool { return !slices.Contains(ports, port) }) {
				a.reports.markListening()
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
