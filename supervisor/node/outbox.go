package node

import (
	"sync"

	"golang.org/x/sys/unix"
)

// none stands for "no descriptor".
const none = -1

// Bounds of the queue, and of the attempts to send one descriptor.
const (
	maxFrames = 1024
	maxTries  = 4
)

// frame is one line to the worker. The outbox owns its descriptor and closes it.
type frame struct {
	line    []byte
	fd      int    // or none
	refusal []byte // sent instead where the descriptor cannot be delivered
	tries   int
	onClose func() // called when the descriptor is closed; may be nil
}

// delivery is whether the worker has received a descriptor.
type delivery int

// The states of a delivery.
const (
	pending delivery = iota
	acknowledged
	rejected
)

// outbox holds the frames to be sent, in order. One descriptor is in flight at a
// time; the frames behind it wait until the worker has acknowledged or rejected it.
// One goroutine calls next and end, and sends; any goroutine may call the others.
type outbox struct {
	wake chan struct{} // next may have a frame

	mu       sync.Mutex
	queue    []*frame
	urgent   []*frame // may overtake a descriptor in flight
	size     int      // bytes in both
	inFlight *frame
	delivery delivery // about flying
	over     bool
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// push adds a frame. Also on an error the outbox owns the frame's descriptor.
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

// pushUrgent adds a line that may overtake a descriptor in flight: two sides that
// wait for each other's acknowledgement would wait for ever.
func (o *outbox) pushUrgent(line []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := &frame{line: line, fd: none}
	if err := o.admit(f); err != nil {
		return err
	}
	o.urgent = append(o.urgent, f)
	return nil
}

// admit accepts a frame if there is room. An empty outbox accepts any.
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

// acknowledge records that the worker has the descriptor in flight.
func (o *outbox) acknowledge() { o.setDelivery(acknowledged) }

// reject records that the descriptor in flight has not arrived.
func (o *outbox) reject() { o.setDelivery(rejected) }

func (o *outbox) setDelivery(d delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.inFlight != nil {
		o.delivery = d
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
	o.finishInFlight()
	if len(o.urgent) > 0 {
		f := o.urgent[0]
		o.urgent = o.urgent[1:]
		o.size -= len(f.line)
		return f
	}
	if o.inFlight != nil || len(o.queue) == 0 {
		return nil
	}
	f := o.queue[0]
	o.queue = o.queue[1:]
	o.size -= len(f.line)
	if f.fd != none {
		o.inFlight, o.delivery = f, pending
	}
	return f
}

// finishInFlight closes the descriptor in flight once it is acknowledged, and queues
// it again once it is rejected. Only the sending goroutine calls it: no descriptor is
// closed while it is sent.
func (o *outbox) finishInFlight() {
	f := o.inFlight
	if f == nil || o.delivery == pending {
		return
	}
	o.inFlight = nil
	if o.delivery == acknowledged {
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

// empty reports whether no frame waits to be sent.
func (o *outbox) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue)+len(o.urgent) == 0
}

// end closes all descriptors. From then on push returns ErrClosed.
func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.inFlight != nil {
		o.inFlight.drop()
	}
	for _, f := range o.queue {
		f.drop()
	}
	o.queue, o.urgent, o.inFlight = nil, nil, nil
}

// drop closes the frame's descriptor.
func (f *frame) drop() {
	if f.fd != none {
		unix.Close(f.fd)
		f.fd = none
		if f.onClose != nil {
			f.onClose()
		}
	}
}
