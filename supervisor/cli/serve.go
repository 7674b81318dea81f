package cli

import (
	"context"
	"log/slog"
	"time"

	"gorun/signals"
	"gorun/signals/reaper"
	"gorun/supervisor"
	"gorun/supervisor/control"
)

// service is a run of apps under the signals that gorun gets.
type service struct {
	signals        *signals.Listener
	reaper         *reaper.Reaper
	reopen         func(context.Context) error // opens the log files again
	log            *slog.Logger
	load           control.Load  // of gorun's own file
	delay          time.Duration // before the first start
	terminationLog string        // gets the reason of a fatal exit, if it exists
}

// runApps runs the apps until they have ended, or a signal or the end of parent has
// ended them, and returns the exit code.
func (v service) runApps(parent context.Context, s *supervisor.Supervisor) int {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	kill, killNow := context.WithCancel(context.WithoutCancel(parent))
	defer killNow()
	// Without the signal loop nothing is reaped: it goes on to the very end.
	dispatching, done := context.WithCancel(context.WithoutCancel(parent))
	defer done()
	go v.signals.Run(dispatching, signals.Supervising, v.actions(dispatching, ctx, s, shutdown{cancel, killNow}))
	<-v.signals.Complete()
	code := 0
	if v.wait(ctx) {
		code = s.Run(ctx, kill)
	}
	reason := s.Failure()
	if kill.Err() != nil {
		code, reason = codeKilled, "stopped by a second signal"
	}
	if code != 0 {
		v.writeTerminationLog(code, reason)
	}
	return code
}

// wait waits for the delay. It returns false when ctx ended first.
func (v service) wait(ctx context.Context) bool {
	timer := time.NewTimer(v.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
