package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Requests are the requests to prom-client that wait for an answer. The zero
// value has none. Safe for concurrent use.
type Requests struct {
	last atomic.Int64 // number of a request

	mu     sync.Mutex
	open   map[int]chan<- json.RawMessage // each has room for its answer
	silent int                            // how many were sent since the last answer
}

func (r *Requests) add(id int) <-chan json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = map[int]chan<- json.RawMessage{}
	}
	answer := make(chan json.RawMessage, 1)
	r.open[id] = answer
	r.silent++
	return answer
}

// Answer hands an answer to whoever waits for it. One that nobody waits for any
// more is dropped.
func (r *Requests) Answer(message json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := MetricsAnswered(message)
	r.silent = 0
	if waiting := r.open[id]; waiting != nil {
		delete(r.open, id)
		waiting <- message
	}
}

func (r *Requests) forget(id int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, id)
}

// unanswered counts the requests since the last answer.
func (r *Requests) unanswered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.silent
}

// maxUnanswered is how many requests in a row may stay without an answer before
// those that follow must not queue behind them.
const maxUnanswered = 10

var errNotReading = errors.New("it does not read its IPC channel")

// AskMetrics asks the process's prom-client for its metrics, over the channel. It
// returns the whole message of the answer.
func (r *Requests) AskMetrics(ctx context.Context, channel *Channel) (json.RawMessage, error) {
	if r.unanswered() >= maxUnanswered && !channel.Idle() {
		return nil, errNotReading // more requests would only take the room of other messages
	}
	id := int(r.last.Add(1))
	answer := r.add(id)
	defer r.forget(id)
	if err := channel.Send(MetricsRequest(id)); err != nil {
		return nil, fmt.Errorf("ask prom-client: %w", err)
	}
	select {
	case message := <-answer:
		return message, nil
	case <-channel.Closed():
		return nil, fmt.Errorf("ask prom-client: %w", ErrClosed)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
