package cli

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals"
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

// workers are what signals act on.
type workers interface {
	Signal(sig unix.Signal)
	Apply(ctx context.Context, revision spec.Revision, report func(status.Progress)) error
}

// actions are what signals do. None of them waits for a file, a pipe or a process:
// what could, is done by goroutines, which end with loop; a reload ends with run.
// Log lines are queued. The second signal to stop ends the grace.
func (v service) actions(loop, run context.Context, w workers, end shutdown) signals.Actions {
	forwarding := newForwards()
	go forwarding.run(loop, w.Signal)
	return signals.Actions{
		Reap:    v.reaper.Reap,
		Stop:    v.stopAction(end),
		Reload:  func() { go v.reload(run, w) },
		Reopen:  inBackground(loop, func() { v.reopenLogs(loop) }),
		Forward: forwarding.add,
	}
}

func (v service) stopAction(end shutdown) func(unix.Signal) {
	var first time.Time
	return func(sig unix.Signal) {
		switch {
		case first.IsZero():
			first = time.Now()
			v.log.Info("stopping", "signal", signals.Name(sig))
			end.stop()
		case time.Since(first) > repeatInterval:
			v.log.Warn("stop again: ending the grace", "signal", signals.Name(sig))
			end.kill()
		}
	}
}

func (v service) reopenLogs(ctx context.Context) {
	if err := v.reopen(ctx); err != nil {
		v.log.Error("cannot reopen log files", "error", err)
	}
}

// reload makes the apps match the file as it is by now; where it has mistakes
// nothing changes.
func (v service) reload(ctx context.Context, w workers) {
	apps, err := v.load("", nil)
	if err == nil {
		v.log.Info("reloading", "signal", "SIGHUP")
		err = w.Apply(ctx, spec.Revision{Apps: apps, All: true}, func(p status.Progress) {
			v.log.Info("reload", "app", p.App, "progress", p.Text)
		})
	}
	if err != nil {
		v.log.Error("reload failed", "error", err)
		return
	}
	v.log.Info("reloaded")
}
