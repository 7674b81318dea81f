package invocation

import (
	"context"
	"encoding/json"
	"net"

	"gorun/supervisor/process"
	"gorun/supervisor/status"
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
