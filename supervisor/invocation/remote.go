package invocation

import (
	"context"
	"net"

	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
)

// AddTo adds what the process reports to its worker's status. Anybody may call it.
func (i *Invocation) AddTo(w *status.Worker) {
	if i.endpoint != nil {
		i.endpoint.AddTo(w)
	}
}

// IPC is the program's channel of Node; it may be none. Anybody may call it.
func (i *Invocation) IPC() *endpoint.IPC {
	if i.endpoint == nil {
		return nil
	}
	return i.endpoint.IPC()
}

// Dial connects to exactly this run, at a port that it listens on; 0: the first.
// Anybody may call it.
func (i *Invocation) Dial(ctx context.Context, port int) (net.Conn, error) {
	return i.endpoint.Dial(ctx, port)
}

// Process is the process tree; nil in tests.
func (i *Invocation) Process() *process.Process { return i.process }
