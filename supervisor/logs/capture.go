package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
)

// Capture is the output of one run of a worker's process.
type Capture struct {
	worker      *Worker
	destination *destination
	children    [2]*os.File // write ends, by Stream; closed by Started
	streams     [2]*stream
	quit        chan struct{} // closed: drop what cannot be delivered
	started     sync.Once
	gaveUp      sync.Once
	released    sync.Once
}

// Files are the write ends, for the child's stdout and stderr.
func (c *Capture) Files() (stdout, stderr *os.File) {
	return c.children[Stdout], c.children[Stderr]
}

// Started closes gorun's copies of the write ends: from now on the pipes end
// with the last process that holds them.
func (c *Capture) Started() {
	c.started.Do(func() {
		for _, f := range c.children {
			if f != nil {
				_ = f.Close() // nothing was written through it
			}
		}
	})
}

// Drain returns when everything that is in the pipes now has been delivered, even
// if a process still holds a write end. It waits for a stalled destination until
// ctx is over.
func (c *Capture) Drain(ctx context.Context) error {
	var requests [2]drainRequest
	for kind, s := range c.streams {
		requests[kind] = s.send(ctx, drainRequest{done: make(chan struct{})})
	}
	for kind, s := range c.streams {
		select {
		case <-requests[kind].done:
		case <-s.done:
		case <-ctx.Done():
			return fmt.Errorf("drain the output of %s: %w", c.worker.id.App, ctx.Err())
		}
	}
	return nil
}

// Close drains once more, delivers an unfinished last line, and ends the
// goroutines. When ctx is over first, the rest is dropped. A process that still holds a write end gets EPIPE.
func (c *Capture) Close(ctx context.Context) error {
	c.Started()
	for _, s := range c.streams {
		s.send(ctx, drainRequest{done: make(chan struct{}), last: true})
	}
	var errs []error
	for _, s := range c.streams {
		if !reached(ctx, s.done) {
			c.gaveUp.Do(func() { close(c.quit) })
			s.in.interrupt()
			errs = append(errs, fmt.Errorf("deliver the output of %s: %w", c.worker.id.App, ctx.Err()))
		}
	}
	c.release()
	c.worker.out.mu.Lock()
	defer c.worker.out.mu.Unlock()
	delete(c.worker.out.captures, c)
	return errors.Join(errs...)
}

func (c *Capture) release() {
	c.released.Do(func() { c.worker.out.releaseDestination(c.destination) })
}

// Tail returns the end of this run's stderr, or of its stdout if stderr is empty:
// at most ten lines and 4 KiB, an unfinished line included.
func (c *Capture) Tail() []string {
	if lines := c.streams[Stderr].tail.lines(); len(lines) > 0 {
		return lines
	}
	return c.streams[Stdout].tail.lines()
}

// abandon undoes a Capture whose goroutines have not started.
func (c *Capture) abandon() error {
	c.Started()
	c.release()
	var errs []error
	for _, s := range c.streams {
		if s != nil {
			errs = append(errs, s.in.close())
		}
	}
	return errors.Join(errs...)
}
