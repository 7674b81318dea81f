// Package jobs is what an app was asked to do: commands, the jobs (systemd's word) that
// come of those that are admitted, and the rule for what is under way. A job knows the
// step of each worker that it is about, and the condition on which its command is
// answered; it is data, never code that somebody else runs.
//
// A Command is its sender's until it was sent. All else belongs to the app's goroutine,
// and starts none.
package jobs

import (
	"context"
	"errors"
	"fmt"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// BusyError is the answer to a command that would get into the way of another.
type BusyError struct{ App, What string }

// Error names what is under way.
func (e *BusyError) Error() string {
	return fmt.Sprintf("a %s of %s is under way; wait for its end", e.What, e.App)
}

// Conflict marks it as one for HTTP.
func (*BusyError) Conflict() {}

// What else a command may be answered.
var (
	ErrStopping   = errors.New("gorun is stopping")
	ErrUnknown    = errors.New("no such app or worker")
	ErrSuperseded = errors.New("superseded by a later order")
)

// Command is an operator's order (spec.Order), or what gorun itself wants, as it concerns
// one app. Whoever makes it does not touch it after it was sent: it is the app's then.
type Command struct {
	Verb                  spec.Verb
	Size                  *spec.Size // not nil: the app is to be scaled
	Instances             []int      // nil: every worker
	Spec                  *spec.App  // the revision to run by from now on; nil: as before
	Parallel              int        // workers that a reload replaces at a time; 0: as the app says
	Reason                status.Reason
	Recreate              bool                            // of a Delete: another app takes the place
	QueueIfBusy           bool                            // nobody waits: it is queued while another one is under way, not refused
	QueueUnlessFirstStart bool                            // as QueueIfBusy, but for the first start of the app it does not wait
	Report                func(instance int, text string) // gets the news, one at a time

	queued bool // it has waited for another one
	done   chan error
}

// Prepare makes a command ready to be sent, or to be the first of its app.
func (c *Command) Prepare(report func(instance int, text string)) {
	c.Report, c.done = report, make(chan error, 1)
}

// Kind is what the command is called.
func (c *Command) Kind() string {
	if c.Size != nil {
		return "scale"
	}
	return c.Verb.String()
}

// Finish answers whoever waits for the end of the command. Called once.
func (c *Command) Finish(err error) { c.done <- err }

// Await waits for the end of a command that an app has, until that app is gone or ctx
// has ended.
func (c *Command) Await(ctx context.Context, gone <-chan struct{}) error {
	select {
	case err := <-c.done:
		return err
	case <-gone:
	case <-ctx.Done():
	}
	select {
	case err := <-c.done: // gorun may be ending because it is done
		return err
	default:
	}
	if ctx.Err() == nil {
		return ErrStopping
	}
	return ctx.Err() //nolint:wrapcheck // the caller's own word
}
