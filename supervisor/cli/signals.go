package cli

import (
	"context"
	"errors"
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

// workers are what signals act on.
type workers interface {
	Signal(sig unix.Signal)
	Reload(ctx context.Context, load func() (spec.Revision, error), report func(status.Progress)) error
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
			v.log.Warn("second signal to stop: sending SIGKILL", "signal", signals.Name(sig))
			end.kill()
		}
	}
}

func (v service) reopenLogs(ctx context.Context) {
	if err := v.reopen(ctx); err != nil {
		v.log.Error("cannot reopen log files", "error", err)
	}
}

// reload makes the apps match the file as it is by then, after what is under way;
// where it has mistakes nothing changes.
func (v service) reload(ctx context.Context, w workers) {
	load := func() (spec.Revision, error) {
		apps, err := v.load("", nil)
		if err == nil {
			v.log.Info("reloading", "signal", "SIGHUP")
		}
		return spec.Revision{Apps: apps, All: true}, err
	}
	err := w.Reload(ctx, load, func(p status.Progress) { v.log.Info("reload", "app", p.App, "progress", p.Text) })
	switch {
	case err == nil:
		v.log.Info("reloaded")
	case errors.Is(err, supervisor.ErrMerged):
		v.log.Info("reload merged into the one that waits", "signal", "SIGHUP")
	default:
		v.log.Error("reload failed", "error", err)
	}
}
