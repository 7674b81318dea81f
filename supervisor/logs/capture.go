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
	worker   *Worker
	outlet   *outlet
	children [2]*os.File // write ends, by Stream; closed by Started
	streams  [2]*stream
	quit     chan struct{} // closed: give up what cannot be handed on
	started  sync.Once
	given    sync.Once
	left     sync.Once
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

// Drain returns when all that is in the pipes now has been handed on, even if
// some process still holds a write end. It waits for a stalled sink until ctx
// is over.
func (c *Capture) Drain(ctx context.Context) error {
	var asked [2]request
	for kind, s := range c.streams {
		asked[kind] = s.ask(ctx, request{answered: make(chan struct{})})
	}
	for kind, s := range c.streams {
		select {
		case <-asked[kind].answered:
		case <-s.done:
		case <-ctx.Done():
			return fmt.Errorf("drain the output of %s: %w", c.worker.id.App, ctx.Err())
		}
	}
	return nil
}

// Close drains once more, hands on an unfinished last line, and ends the
// goroutines. When ctx is over first, what is left is dropped. A process that still holds a write end gets EPIPE.
func (c *Capture) Close(ctx context.Context) error {
	c.Started()
	for _, s := range c.streams {
		s.ask(ctx, request{answered: make(chan struct{}), last: true})
	}
	var errs []error
	for _, s := range c.streams {
		if !reached(ctx, s.done) {
			c.given.Do(func() { close(c.quit) })
			s.in.wake()
			errs = append(errs, fmt.Errorf("hand on the output of %s: %w", c.worker.id.App, ctx.Err()))
		}
	}
	errs = append(errs, c.leave())
	c.worker.out.mu.Lock()
	defer c.worker.out.mu.Unlock()
	delete(c.worker.out.captures, c)
	return errors.Join(errs...)
}

// leave gives the files back.
func (c *Capture) leave() (err error) {
	c.left.Do(func() { err = c.worker.out.leave(c.outlet) })
	return err
}

// Tail is the end of this run's stderr, or of its stdout if stderr is empty:
// at most ten lines and 4 KiB, an unfinished one included.
func (c *Capture) Tail() []string {
	if lines := c.streams[Stderr].tail.lines(); len(lines) > 0 {
		return lines
	}
	return c.streams[Stdout].tail.lines()
}

// abandon undoes a Capture whose goroutines have not started.
func (c *Capture) abandon() error {
	c.Started()
	errs := []error{c.leave()}
	for _, s := range c.streams {
		if s != nil {
			errs = append(errs, s.in.close())
		}
	}
	return errors.Join(errs...)
}
