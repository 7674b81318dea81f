// Package event is what can happen to one run of a program, as whoever runs it hears
// of it. Values only: a leaf.
package event

import (
	"time"

	"gorun/health"
)

// Kind is what happened to a run.
type Kind int

// The kinds of events.
const (
	Exited           Kind = iota // its program has ended by itself
	Listening                    // it listens on an address of its app: one for each
	StoppedListening             // it lives on, and listens on no address of its app any more
	Ready                        // it has reported that it is ready: READY=1, process.send('ready')
	Checked                      // the health check has a result: Check
	Alive                        // WATCHDOG=1, WATCHDOG_USEC: resets the watchdog, and is in no stream
	WatchdogExpired              // no WATCHDOG=1 in time, or WATCHDOG=trigger
	Stopping                     // STOPPING=1: it has begun to end by itself
	Extended                     // EXTEND_TIMEOUT_USEC: it needs Extend more, from now
	DeadlineExceeded             // the time given to SetDeadline is over
)

// Event is something that happened to a run.
type Event struct {
	Kind   Kind
	Check  health.Result // of Checked
	Extend time.Duration // of Extended

	// Watchdog is, of Alive, the new period, 0 for no watchdog; nil: as before. Of
	// WatchdogExpired it is the period that has passed; nil: the program itself expired it.
	Watchdog *time.Duration
}
