package supervisor

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/process"
)

// aside runs a command beside the workers until it ends, or ctx does. Nothing
// that it leaves behind stays; a grace is for programs that serve.
func aside(ctx context.Context, r *reaper.Reaper, request process.Spec) error {
	p, err := process.Start(r, request)
	if err != nil {
		return err //nolint:wrapcheck // it says what was attempted
	}
	select {
	case <-p.Exited():
	case <-ctx.Done():
	}
	done, now := context.WithCancel(context.Background())
	now()
	p.Stop(done, process.Ladder{Signal: unix.SIGTERM})
	if err := ctx.Err(); err != nil {
		return err //nolint:wrapcheck // the caller's own word
	}
	return codeError(p.Status())
}

func codeError(st reaper.Status) error {
	if st.ExitCode() == 0 {
		return nil
	}
	if st.Signal != 0 {
		return fmt.Errorf("ended by %s", signalName(st.Signal))
	}
	return fmt.Errorf("exit %d", st.ExitCode())
}
