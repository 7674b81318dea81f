package process

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
)

// Run runs a command until it ends, or ctx does. Nothing that it leaves behind
// stays; a grace is for programs that serve. The error says how it ended, unless
// it ended with code 0.
func Run(ctx context.Context, r *reaper.Reaper, spec Spec) error {
	p, err := Start(r, spec)
	if err != nil {
		return err
	}
	select {
	case <-p.Exited():
	case <-ctx.Done():
	}
	done, now := context.WithCancel(context.Background())
	now()
	p.Stop(done, Ladder{Signal: unix.SIGTERM})
	if err := ctx.Err(); err != nil {
		return err
	}
	return exitError(p.Status())
}

func exitError(status reaper.Status) error {
	if status.ExitCode() == 0 {
		return nil
	}
	if status.Signal != 0 {
		return fmt.Errorf("ended by %s", SignalName(status.Signal))
	}
	return fmt.Errorf("exit %d", status.ExitCode())
}

// SignalName is the kernel's name of a signal, with the number of one that has none.
func SignalName(sig unix.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(sig))
}
