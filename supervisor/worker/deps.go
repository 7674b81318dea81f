package worker

import (
	"gorun/supervisor/invocation"
	"gorun/supervisor/logs"
	"gorun/supervisor/worker/record"
)

// Deps is what all workers work with. Safe for concurrent use.
type Deps struct {
	record.Deps
	Output *logs.Output
	Slots  chan struct{} // places for workers that start at the same time
	// Launch starts an invocation: invocation.Start, unless a test has another.
	Launch func(invocation.Request) (*invocation.Invocation, error)
}
