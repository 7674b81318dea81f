// Package container does what a container's first process owes the outside
// while the supervisor runs the apps: it acts on signals, and leaves a word
// when it fails.
package container

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/signals/reaper"
	"gorun/supervisor"
	"gorun/supervisor/logs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// codeKilled is the exit code when a second signal cut the stop short.
const codeKilled = 137

// Options is what a run works with.
type Options struct {
	Signals        *signals.Listener
	Reaper         *reaper.Reaper
	Output         *logs.Output
	Log            *slog.Logger
	Load           Load          // of gorun's own file
	Delay          time.Duration // before the first start
	TerminationLog string        // gets the reason of a fatal exit, if it exists
}

// Load reads an ecosystem file, "" for gorun's own. Its error has all mistakes.
type Load = func(file string, only []string) ([]spec.App, error)

// Run runs the apps until they have ended, or a signal or the end of parent has
// ended them, and returns the exit code.
func Run(parent context.Context, s *supervisor.Supervisor, o Options) int {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	kill, killNow := context.WithCancel(context.WithoutCancel(parent))
	defer killNow()
	// Without the dispatcher nothing is reaped: it goes on to the very end.
	dispatching, done := context.WithCancel(context.WithoutCancel(parent))
	defer done()
	go o.Signals.Run(dispatching, signals.Supervising, o.actions(ctx, s, wishes{cancel, killNow}))
	<-o.Signals.Complete()
	code := 0
	if o.wait(ctx) {
		code = s.Run(ctx, kill)
	}
	reason := s.Failure()
	if kill.Err() != nil {
		code, reason = codeKilled, "stopped by a second signal"
	}
	if code != 0 {
		o.leaveWord(code, reason)
	}
	return code
}

// wishes are what signals may have to be ended.
type wishes struct {
	stop, kill context.CancelFunc
}

// echo is how close to the first a second signal is still the same wish:
// timeout(1) signals its child and then its whole group.
const echo = 20 * time.Millisecond

// actions are what signals do. The second one that says stop ends the grace.
func (o Options) actions(ctx context.Context, s *supervisor.Supervisor, end wishes) signals.Actions {
	var first time.Time
	return signals.Actions{
		Reap: o.Reaper.Reap,
		Stop: func(sig unix.Signal) {
			switch {
			case ctx.Err() == nil:
				o.Log.Info("stopping", "signal", signals.Name(sig))
				first = time.Now()
				end.stop()
			case time.Since(first) > echo:
				o.Log.Warn("stop again: ending the grace", "signal", signals.Name(sig))
				end.kill()
			}
		},
		Reload: func() { go o.reload(ctx, s) },
		Reopen: func() { go o.reopen(ctx) },
		Forward: s.Signal,
	}
}

// reopen waits for the disks of the log files.
func (o Options) reopen(ctx context.Context) {
	if err := o.Output.Reopen(ctx); err != nil {
		o.Log.Error("cannot reopen log files", "error", err)
	}
}

// reload makes the apps what the file says by now; where it has mistakes nothing
// changes.
func (o Options) reload(ctx context.Context, s *supervisor.Supervisor) {
	apps, err := o.Load("", nil)
	if err == nil {
		o.Log.Info("reloading", "signal", "SIGHUP")
		err = s.Apply(ctx, spec.Revision{Apps: apps, All: true}, func(p status.Progress) {
			o.Log.Info("reload", "app", p.App, "news", p.Text)
		})
	}
	if err != nil {
		o.Log.Error("reload failed", "error", err)
		return
	}
	o.Log.Info("reloaded")
}

// wait waits for Delay. It returns false when ctx ended first.
func (o Options) wait(ctx context.Context) bool {
	timer := time.NewTimer(o.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// wordLimit is how much of a termination log Kubernetes reads, in bytes.
const wordLimit = 4096

// leaveWord writes the reason of a failure where Kubernetes looks for it, in
// one line. It never creates the file: where there is none, nobody asked.
func (o Options) leaveWord(code int, reason string) {
	file, err := os.OpenFile(o.TerminationLog, os.O_WRONLY|os.O_TRUNC|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer file.Close()
	line := fmt.Sprintf("gorun: exit %d: %s", code, strings.Join(strings.Fields(reason), " "))
	line = strings.ToValidUTF8(line[:min(len(line), wordLimit-1)], "")
	if _, err := file.WriteString(line + "\n"); err != nil {
		o.Log.Warn("cannot write the termination log", "error", err)
	}
}
