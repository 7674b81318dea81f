package supervisor

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"gorun/health"
	"gorun/signals/reaper"
	"gorun/supervisor/process"
	"gorun/supervisor/spec"
)

// program is the process of one run.
type program interface {
	Pid() int
	Exited() <-chan struct{}
	Status() reaper.Status
}

// tree is the process with all that it has started.
type tree interface {
	Members() []int
	Stop(ctx context.Context, ladder process.Ladder) (forced bool)
}

// capture is the output of one run.
type capture interface {
	Drain(ctx context.Context) error
	Tail() []string
	Close(ctx context.Context) error
}

// door is what connects a run with the sockets that its app shares.
type door interface {
	entrance
	exit
}

// entrance is the way of a run to its first connection.
type entrance interface {
	signs() signs        // what it tells of itself
	online()             // new connections may go to it
	succeed(before door) // they go to it, and no more to the one before
	self() *link         // nil: it is none
}

// signs are what a run tells of itself; nil: that it never will.
type signs struct {
	listening, ready <-chan struct{}      // closed: it listens; it said that it is ready
	checked          <-chan health.Result // what the app's health check finds
	alive            <-chan struct{}      // it keeps the watchdog quiet
	extend           <-chan time.Duration // it needs so much longer to be ready, or to end, from now
	leaving          <-chan struct{}      // it has begun to end
}

// exit is the way after its last.
type exit interface {
	offline() // no more of them
	drain(ctx context.Context, exited <-chan struct{}, limits drainLimits)
	dismiss() bool // it is asked to end by a message; false: a signal has to
	release()      // nothing of the process is left
}

// life is one run: a process, its tree, its output and its sockets.
type life struct {
	program
	tree
	capture
	door    door
	process *process.Process // the same as program and tree; nil: those are not real

	app     *spec.App // what it was started by
	began   time.Time
	victims uint64 // of the memory limit, when it began
}

// launch starts the process, with fresh pipes for its output.
func (w *worker) launch() (life, error) {
	output, err := w.output.Capture()
	if err != nil {
		return life{}, fmt.Errorf("start %s: %w", w.app.Argv[0], err)
	}
	stdout, stderr := output.Files()
	request := process.Spec{
		Argv:   w.app.Argv,
		Env:    w.app.Environ(w.status.Instance, w.status.ID),
		Dir:    w.app.Dir,
		Stdout: stdout,
		Stderr: stderr,
		User:   w.app.User.Credential(),
		Marker: w.name + "/" + rand.Text(),
		Memory: w.tools.cgroup.MemoryLimit(),
	}
	for _, limit := range w.app.Limits {
		request.Limits = append(request.Limits, process.Limit{Resource: limit.Resource, Soft: limit.Soft, Hard: limit.Hard})
	}
	l := w.sharing.link(w.app, w.status.Instance)
	l.figures.counts = &w.counts
	p, err := w.execute(&request, l)
	output.Started()
	if err != nil {
		l.release()
		w.hangUp(output)
		return life{}, err
	}
	return life{program: p, tree: p, capture: output, door: l, process: p}, nil
}

// execute starts the process with what its link to the shared sockets needs.
func (w *worker) execute(request *process.Spec, l *link) (*process.Process, error) {
	err := l.prepare(request)
	if err != nil {
		l.begun(nil)
		return nil, err
	}
	p, err := process.Start(w.tools.reaper, *request)
	l.begun(p)
	return p, err //nolint:wrapcheck // it says what was started
}
