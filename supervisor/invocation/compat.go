package invocation

import (
	"context"
	"encoding/json"
	"net"

	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/invocation/event"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
)

type (
	Ports = endpoint.Ports
	Deps  = endpoint.Deps
	Event = event.Event
	Kind  = event.Kind
)

var (
	NewPorts     = endpoint.NewPorts
	CheckSharing = endpoint.CheckSharing
	SameSharing  = endpoint.SameSharing
)

const (
	Exited           = event.Exited
	Listening        = event.Listening
	Ready            = event.Ready
	Checked          = event.Checked
	Alive            = event.Alive
	WatchdogExpired  = event.WatchdogExpired
	Stopping         = event.Stopping
	Extended         = event.Extended
	DeadlineExceeded = event.DeadlineExceeded
)

// AddTo adds what the process reports to its worker's status. Anybody may call it.
func (i *Invocation) AddTo(w *status.Worker) {
	if i.endpoint != nil {
		i.endpoint.AddTo(w)
	}
}

// HasChannel reports whether the program has an IPC channel. Anybody may call it.
func (i *Invocation) HasChannel() bool { return i.endpoint != nil && i.endpoint.HasChannel() }

// Send sends a message over the IPC channel. Anybody may call it.
func (i *Invocation) Send(message any) error { return i.endpoint.Send(message) }

// AskMetrics asks the program's prom-client for its metrics, over the IPC channel.
// Anybody may call it.
func (i *Invocation) AskMetrics(ctx context.Context) (json.RawMessage, error) {
	return i.endpoint.AskMetrics(ctx)
}

// Dial connects to exactly this run, at a port that it listens on; 0: the first.
// Anybody may call it.
func (i *Invocation) Dial(ctx context.Context, port int) (net.Conn, error) {
	return i.endpoint.Dial(ctx, port)
}

// Process is the process tree; nil in tests.
func (i *Invocation) Process() *process.Process { return i.process }
