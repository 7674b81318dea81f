package endpoint

import (
	"encoding/json"
	"strings"

	"gorun/supervisor/node"
	"gorun/supervisor/sockets"
	"gorun/supervisor/status"
)

// receive takes a message of the app, or of a library that it has loaded.
func (e *Endpoint) receive(message json.RawMessage) {
	switch kind := node.TypeOf(message); {
	case string(message) == `"ready"`:
		e.reports.markReady()
	case e.metrics.Receive(message):
	case kind == node.TypeMetrics:
		e.requests.Answer(message)
	case node.IsObject(message) && !strings.HasPrefix(kind, node.TypesOfPM2): // those are for whoever supervises
		e.passOn(message)
	default:
		e.record(status.MessageEvent(message))
	}
}

// passOn sends a message to the app's other workers, as the primary does that a library
// for Node's cluster brings along; or hints that this can be had.
func (e *Endpoint) passOn(message json.RawMessage) {
	if e.app.RelayMessages {
		e.ports.broadcast(e.owner, message)
		return // and no event: there may be thousands
	}
	if library := node.LibraryOf(message); library != "" {
		e.ports.hintOnce.Do(func() {
			e.ports.deps.Log.Warn("a message for the app's other workers is not passed on: set relay_messages: true", "app", e.app.Name, "library", library)
		})
	}
	e.record(status.MessageEvent(message))
}

// broadcast sends a message to all runs but the one that it comes from. It never waits.
func (p *Ports) broadcast(from sockets.Owner, message json.RawMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for owner, other := range p.runs {
		if owner == from || other.channel == nil {
			continue
		}
		if err := other.channel.Send(message); err != nil {
			p.deps.Log.Debug("a message between workers is lost", "app", p.app.Name, "instance", other.instance, "error", err)
		}
	}
}

// connected makes the run's channel known to broadcast.
func (p *Ports) connected(owner sockets.Owner, channel *node.Channel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.runs[owner]
	of.channel = channel
	p.runs[owner] = of
}
