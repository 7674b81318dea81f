package logs

import "sync"

// queueBytes is how many bytes of gorun's own lines wait for a stalled stderr.
const queueBytes = 256 << 10

// writeQueue holds gorun's own lines on their way to stderr. Writing to it never
// waits; when it is full the newest lines are dropped: the oldest name the cause.
type writeQueue struct {
	wake chan struct{} // holds a token while there is something to take

	mu   sync.Mutex // guards the rest
	text []byte
	lost int
}

func newWriteQueue() *writeQueue { return &writeQueue{wake: make(chan struct{}, 1)} }

// Write takes one whole record.
func (q *writeQueue) Write(record []byte) (int, error) {
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

func (q *writeQueue) take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	text := q.text
	q.text = nil
	return text
}

// dropped returns how many records were dropped since its last call.
func (q *writeQueue) dropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.lost
	q.lost = 0
	return n
}
