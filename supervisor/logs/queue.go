package logs

import "sync"

// queueBytes is how much of gorun's own lines waits for a stalled stderr.
const queueBytes = 256 << 10

// queue holds gorun's own lines on their way to stderr. Writing to it never
// waits; the newest lines are dropped when it is full: the first ones tell why.
type queue struct {
	wake chan struct{} // holds a token while there is something to take

	mu   sync.Mutex // guards the rest
	text []byte
	lost int
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// Write takes one whole record.
func (q *queue) Write(record []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.text) > 0 && len(q.text)+len(record) > queueBytes {
		q.lost++
		return len(record), nil
	}
	q.text = append(q.text, record...)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return len(record), nil
}

func (q *queue) take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	text := q.text
	q.text = nil
	return text
}

// dropped is how many records were dropped since it was asked last.
func (q *queue) dropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.lost
	q.lost = 0
	return n
}
