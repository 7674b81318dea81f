package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"gorun/supervisor/node"
	"gorun/supervisor/status"
)

// questions are those put to a worker that wait for an answer. The zero value has
// none. Safe for concurrent use.
type questions struct {
	mu     sync.Mutex
	open   map[int]chan<- json.RawMessage // each has room for its answer
	silent int                            // how many were put since the last answer
}

func (q *questions) put(id int) <-chan json.RawMessage {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = map[int]chan<- json.RawMessage{}
	}
	answer := make(chan json.RawMessage, 1)
	q.open[id] = answer
	q.silent++
	return answer
}

// answer hands an answer to whoever waits for it. One that nobody waits for any
// more is dropped.
func (q *questions) answer(message json.RawMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	id := node.MetricsAnswered(message)
	q.silent = 0
	if waiting := q.open[id]; waiting != nil {
		delete(q.open, id)
		waiting <- message
	}
}

func (q *questions) forget(id int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, id)
}

// unanswered counts the questions since the last answer.
func (q *questions) unanswered() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.silent
}

// patient is how many questions in a row may stay without an answer before those
// that follow must not wait in line.
const patient = 10

var errDeaf = errors.New("it does not read its IPC channel")

// AskMetrics asks the prom-client of one Node worker for its metrics, over the IPC
// channel. It returns the whole message of the answer.
func (s *Supervisor) AskMetrics(ctx context.Context, target status.Target) (json.RawMessage, error) {
	all, err := s.workers([]status.Target{target})
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if l := w.link.Load(); l != nil && l.channel != nil {
			return l.askMetrics(ctx)
		}
	}
	return nil, ErrNoChannel
}

func (l *link) askMetrics(ctx context.Context) (json.RawMessage, error) {
	if l.questions.unanswered() >= patient && !l.channel.Idle() {
		return nil, errDeaf // more questions would only take the room of other messages
	}
	id := int(l.sharing.tools.questions.Add(1))
	answer := l.questions.put(id)
	defer l.questions.forget(id)
	if err := l.channel.Send(node.MetricsRequest(id)); err != nil {
		return nil, fmt.Errorf("ask prom-client: %w", err)
	}
	select {
	case message := <-answer:
		return message, nil
	case <-l.channel.Closed():
		return nil, fmt.Errorf("ask prom-client: %w", node.ErrClosed)
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // package merge knows it
	}
}
