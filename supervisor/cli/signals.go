package cli

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/supervisor"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// shutdown is how signals end a run.
type shutdown struct {
	stop context.CancelFunc // in order
	kill context.CancelFunc // at once
}

// repeatInterval is how soon after the first a second stop signal is still the
// same one: timeout(1) signals its child and then its whole group.
const repeatInterval = 20 * time.Millisecond

// actions are what signals do. The second one that says stop ends the grace.
func (v service) actions(ctx context.Context, s *supervisor.Supervisor, end shutdown) signals.Actions {
	var first time.Time
	return signals.Actions{
		Reap: v.reaper.Reap,
		Stop: func(sig unix.Signal) {
			switch {
			case ctx.Err() == nil:
				v.log.Info("stopping", "signal", signals.Name(sig))
				first = time.Now()
				end.stop()
			case time.Since(first) > repeatInterval:
				v.log.Warn("stop again: ending the grace", "signal", signals.Name(sig))
				end.kill()
			}
		},
		Reload: func() { go v.reload(ctx, s) },
		Reopen: func() {
			if err := v.output.Reopen(); err != nil {
				v.log.Error("cannot reopen log files", "error", err)
			}
		},
		Forward: s.Signal,
	}
}

// reload makes the apps what the file says by now; where it has mistakes nothing
// changes.
func (v service) reload(ctx context.Context, s *supervisor.Supervisor) {
	apps, err := v.load("", nil)
	if err == nil {
		v.log.Info("reloading", "signal", "SIGHUP")
		err = s.Apply(ctx, spec.Revision{Apps: apps, All: true}, func(p status.Progress) {
			v.log.Info("reload", "app", p.App, "progress", p.Text)
		})
	}
	if err != nil {
		v.log.Error("reload failed", "error", err)
		return
	}
	v.log.Info("reloaded")
}
