package endpoint

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"gorun/supervisor/node"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// IPC is the channel that Node's child processes have. nil, or without a channel, where
// the program has none.
type IPC struct {
	ports    *SharedPorts
	app      *spec.App
	owner    sockets.Owner
	events   *eventBuffer
	record   func(status.Event)
	channel  *node.Channel
	metrics  node.Metrics
	requests node.Requests
}

// IsOpen reports whether there is a channel. Anybody may call it.
func (c *IPC) IsOpen() bool { return c != nil && c.channel != nil }

// Send sends a message over the channel, which there must be. Anybody may call it.
func (c *IPC) Send(message any) error {
	return c.channel.Send(message) //nolint:wrapcheck // the caller names the worker
}

// AskMetrics asks the program's prom-client for its metrics, over the channel, which
// there must be. Anybody may call it.
func (c *IPC) AskMetrics(ctx context.Context) (json.RawMessage, error) {
	return c.requests.AskMetrics(ctx, c.channel) //nolint:wrapcheck // its words are for people as they are
}

// receive takes a message of the app, or of a library that it has loaded.
func (c *IPC) receive(message json.RawMessage) {
	switch kind := node.TypeOf(message); {
	case string(message) == `"ready"`:
		c.events.markReady()
	case c.metrics.Receive(message):
	case kind == node.TypeMetrics:
		c.requests.Answer(message)
	case node.IsObject(message) && !strings.HasPrefix(kind, node.TypesOfPM2): // those are for whoever supervises
		c.passOn(message)
	default:
		c.record(status.MessageEvent(message))
	}
}

// passOn sends a message to the app's other workers, as the primary does that a library
// for Node's cluster brings along; or hints that this can be had.
func (c *IPC) passOn(message json.RawMessage) {
	if c.app.RelayMessages {
		c.ports.broadcast(c.owner, message)
		return // and no event: there may be thousands
	}
	if library := node.LibraryOf(message); library != "" {
		c.ports.hintOnce.Do(func() {
			c.ports.deps.Log.Warn("a message for the app's other workers is not passed on: set relay_messages: true", "app", c.app.Name, "library", library)
		})
	}
	c.record(status.MessageEvent(message))
}

// connect gives a Node worker its end of the channel, and the preload that measures it.
func (c *IPC) connect(extra *passedFiles, uniqueID string) error {
	err := extra.connect(uniqueID)
	if err == nil && c.app.NodeMetrics {
		extra.request.Env = node.Instrument(extra.request.Env)
	}
	return err
}

// close closes gorun's end: the process is gone.
func (c *IPC) close() {
	if c.channel != nil {
		_ = c.channel.Close()
	}
}

// disconnect ends what would keep a Node process alive whose loop is else empty, in time. A
// worker of Node's cluster is told to disconnect once it has closed its servers, or after
// a moment; told at the same time, it may see that before its stop signal.
func (c *IPC) disconnect() {
	if c.channel == nil {
		return
	}
	c.ports.Go(func() {
		moment := time.NewTimer(handlerMoment)
		defer moment.Stop()
		select {
		case <-c.channel.Unserved():
		case <-moment.C:
		case <-c.channel.Closed():
			return
		}
		c.channel.Leave()
	})
}

// broadcast sends a message to all runs but the one that it comes from. It never waits.
func (p *SharedPorts) broadcast(from sockets.Owner, message json.RawMessage) {
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
func (p *SharedPorts) connected(owner sockets.Owner, channel *node.Channel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.runs[owner]
	of.channel = channel
	p.runs[owner] = of
}
