package invocation

import (
	"context"
	"encoding/json"
	"net"

	"gorun/supervisor/node"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
)

// receive takes a message of the app, or of a library that it has loaded.
func (e *endpoint) receive(message json.RawMessage) {
	switch {
	case string(message) == `"ready"`:
		e.reports.markReady()
	case e.metrics.Receive(message):
	case node.TypeOf(message) == node.TypeMetrics:
		e.requests.Answer(message)
	default:
		e.record(status.MessageEvent(message))
	}
}

// AddTo adds what the process reports to its worker's status. Anybody may call it.
func (i *Invocation) AddTo(w *status.Worker) {
	if e := i.endpoint; e != nil {
		if text := e.notify.status.Load(); text != nil {
			w.Notice = *text
		}
		e.metrics.AddTo(w, e.channel)
	}
}

// HasChannel reports whether the program has an IPC channel. Anybody may call it.
func (i *Invocation) HasChannel() bool { return i.endpoint != nil && i.endpoint.channel != nil }

// Send sends a message over the IPC channel. Anybody may call it.
func (i *Invocation) Send(message any) error {
	return i.endpoint.channel.Send(message) //nolint:wrapcheck // the caller names the worker
}

// AskMetrics asks the program's prom-client for its metrics, over the IPC channel.
// Anybody may call it.
func (i *Invocation) AskMetrics(ctx context.Context) (json.RawMessage, error) {
	return i.endpoint.requests.AskMetrics(ctx, i.endpoint.channel)
}

// Dial connects to exactly this run, at a port that it listens on; 0: the first.
// Anybody may call it.
func (i *Invocation) Dial(ctx context.Context, port int) (net.Conn, error) {
	return i.endpoint.dial(ctx, port)
}

// Process is the process tree; nil in tests.
func (i *Invocation) Process() *process.Process { return i.process }
