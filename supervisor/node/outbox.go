package node

import (
	"sync"

	"golang.org/x/sys/unix"
)

// none is the descriptor of a frame without one.
const none = -1

// Bounds of what waits to be sent, and of attempts to send one descriptor.
const (
	maxFrames = 1024
	maxTries  = 4
)

// frame is one line to the worker. Its descriptor is the outbox's, which
// closes it.
type frame struct {
	line    []byte
	fd      int    // or none
	refusal []byte // sent instead where the descriptor cannot be delivered
	tries   int
	gone    func() // called when the descriptor is closed; may be nil
}

// verdict is what the worker said about a descriptor.
type verdict int

// The verdicts.
const (
	pending verdict = iota
	acknowledged
	rejected
)

// outbox holds the frames to be sent, in order. One descriptor is in flight at
// a time; what follows waits for the worker's word about it. One goroutine
// calls next and end, and sends; any may call the others.
type outbox struct {
	wake chan struct{} // next may have a frame

	mu      sync.Mutex
	queue   []*frame
	urgent  []*frame // may overtake a descriptor in flight
	size    int      // bytes in both
	flying  *frame
	verdict verdict // about flying
	over    bool
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// push adds a frame. Whatever it returns, the frame's descriptor is taken.
func (o *outbox) push(f *frame) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.admit(f); err != nil {
		f.drop()
		return err
	}
	o.queue = append(o.queue, f)
	return nil
}

// hurry adds a line that may overtake a descriptor in flight: two sides that
// wait for each other's acknowledgement would wait for ever.
func (o *outbox) hurry(line []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := &frame{line: line, fd: none}
	if err := o.admit(f); err != nil {
		return err
	}
	o.urgent = append(o.urgent, f)
	return nil
}

// admit makes room for a frame. An empty outbox takes any.
func (o *outbox) admit(f *frame) error {
	waiting := len(o.queue) + len(o.urgent)
	switch {
	case o.over:
		return ErrClosed
	case waiting >= maxFrames, waiting > 0 && o.size+len(f.line) > maxLine:
		return ErrFull
	}
	o.size += len(f.line)
	o.signal()
	return nil
}

// acknowledge says that the worker has the descriptor in flight.
func (o *outbox) acknowledge() { o.judge(acknowledged) }

// reject says that the descriptor in flight has not arrived.
func (o *outbox) reject() { o.judge(rejected) }

func (o *outbox) judge(v verdict) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flying != nil {
		o.verdict = v
		o.signal()
	}
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// next returns what to send now, nil if nothing may be sent before wake.
func (o *outbox) next() *frame {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle()
	if len(o.urgent) > 0 {
		f := o.urgent[0]
		o.urgent = o.urgent[1:]
		o.size -= len(f.line)
		return f
	}
	if o.flying != nil || len(o.queue) == 0 {
		return nil
	}
	f := o.queue[0]
	o.queue = o.queue[1:]
	o.size -= len(f.line)
	if f.fd != none {
		o.flying, o.verdict = f, pending
	}
	return f
}

// settle does what the verdict about the descriptor in flight demands. Only
// the sending goroutine comes here: it closes no descriptor while sending it.
func (o *outbox) settle() {
	f := o.flying
	if f == nil || o.verdict == pending {
		return
	}
	o.flying = nil
	if o.verdict == acknowledged {
		f.drop()
		return
	}
	if f.tries++; f.tries >= maxTries {
		f.drop()
		f.line = f.refusal
	}
	o.queue = append([]*frame{f}, o.queue...)
	o.size += len(f.line)
}

// empty tells whether nothing waits to be sent.
func (o *outbox) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue)+len(o.urgent) == 0
}

// end closes all descriptors. Nothing is taken any more.
func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.flying != nil {
		o.flying.drop()
	}
	for _, f := range o.queue {
		f.drop()
	}
	o.queue, o.urgent, o.flying = nil, nil, nil
}

// drop closes the frame's descriptor.
func (f *frame) drop() {
	if f.fd != none {
		unix.Close(f.fd)
		f.fd = none
		if f.gone != nil {
			f.gone()
		}
	}
}
