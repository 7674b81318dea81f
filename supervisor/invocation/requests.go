package invocation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"gorun/supervisor/node"
	"gorun/supervisor/process"
)

// pendingRequests are the requests to prom-client that wait for an answer. The zero
// value has none. Safe for concurrent use.
type pendingRequests struct {
	last atomic.Int64 // number of a request

	mu     sync.Mutex
	open   map[int]chan<- json.RawMessage // each has room for its answer
	silent int                            // how many were sent since the last answer
}

func (p *pendingRequests) add(id int) <-chan json.RawMessage {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = map[int]chan<- json.RawMessage{}
	}
	answer := make(chan json.RawMessage, 1)
	p.open[id] = answer
	p.silent++
	return answer
}

// answer hands an answer to whoever waits for it. One that nobody waits for any
// more is dropped.
func (p *pendingRequests) answer(message json.RawMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := node.MetricsAnswered(message)
	p.silent = 0
	if waiting := p.open[id]; waiting != nil {
		delete(p.open, id)
		waiting <- message
	}
}

func (p *pendingRequests) forget(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, id)
}

// unanswered counts the requests since the last answer.
func (p *pendingRequests) unanswered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silent
}

// maxUnanswered is how many requests in a row may stay without an answer before
// those that follow must not queue behind them.
const maxUnanswered = 10

var errNotReading = errors.New("it does not read its IPC channel")

// AskMetrics asks the program's prom-client for its metrics, over the IPC channel.
// It returns the whole message of the answer. Anybody may call it.
func (i *Invocation) AskMetrics(ctx context.Context) (json.RawMessage, error) {
	e := i.endpoint
	if e.requests.unanswered() >= maxUnanswered && !e.channel.Idle() {
		return nil, errNotReading // more requests would only take the room of other messages
	}
	id := int(e.requests.last.Add(1))
	answer := e.requests.add(id)
	defer e.requests.forget(id)
	if err := e.channel.Send(node.MetricsRequest(id)); err != nil {
		return nil, fmt.Errorf("ask prom-client: %w", err)
	}
	select {
	case message := <-answer:
		return message, nil
	case <-e.channel.Closed():
		return nil, fmt.Errorf("ask prom-client: %w", node.ErrClosed)
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // package merge knows it
	}
}

// HasChannel reports whether the program has an IPC channel. Anybody may call it.
func (i *Invocation) HasChannel() bool { return i.endpoint != nil && i.endpoint.channel != nil }

// Send sends a message over the IPC channel. Anybody may call it.
func (i *Invocation) Send(message any) error {
	return i.endpoint.channel.Send(message) //nolint:wrapcheck // the caller names the worker
}

// Dial connects to exactly this run, at a port that it listens on; 0: the first.
// Anybody may call it.
func (i *Invocation) Dial(ctx context.Context, port int) (net.Conn, error) {
	return i.endpoint.dial(ctx, port)
}

// Process is the process tree, for what looks at many at once; nil in tests.
func (i *Invocation) Process() *process.Process { return i.process }
