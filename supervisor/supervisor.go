// Package supervisor keeps every app's workers running: it starts the apps in the
// order of their dependencies, applies revisions of the file, carries out orders,
// stops everything in reverse order and says with which exit code gorun ends.
//
// It owns the set of apps, behind one lock that is never held while anything waits.
// What goes on in an app belongs to that app's goroutine, and nothing here reads more
// of it than what it has published.
//
// Run keeps its caller's goroutine until the last app has ended. It starts one for
// each app, one that waits until all apps have been ready, and, to stop, one for each
// app that waits for its dependents. Do, Scale and Apply run on their callers'.
package supervisor

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
)

// orphanGrace is the time to end of processes that no worker's tree claims: after
// the longest kill_timeout it still fits into Docker's ten seconds.
const orphanGrace = 1500 * time.Millisecond

// hookGrace is how long hooks may still take when gorun is to end. The stops of
// the workers run beside it: it adds nothing to a long one.
const hookGrace = 5 * time.Second

// Options is what a supervisor works with.
type Options struct {
	Reaper        *reaper.Reaper
	Output        *logs.Output
	Log           *slog.Logger
	Cgroup        usage.Cgroup
	StartLimit    int           // workers that may be starting at the same time
	ShutdownDelay time.Duration // from the wish to stop to the first stop
	KeepRunning   bool          // run on when every app has ended
	NotifySocket  string        // of whoever runs gorun (sd_notify); "": nobody asks
	Trim          func() error  // lets go of what the start needed: called once, when every app has been ready; may be nil
}

// Supervisor runs all apps of an ecosystem. Safe for concurrent use.
type Supervisor struct {
	options  Options
	log      *slog.Logger
	journal  journal
	hooks    *hooks.Dispatcher
	apps     apps
	stopping atomic.Bool
	failure  atomic.Pointer[string] // the app that the exit code is from, and how it failed
	applying chan struct{}          // holds one while a revision is applied
	queued   chan struct{}          // holds one while a Reload waits for that
	config   config
	parent   parent
}

// New prepares the apps and opens their log files. Nothing is started.
func New(confs []spec.App, options Options) (*Supervisor, error) {
	host, _ := os.Hostname() // it goes without
	s := &Supervisor{
		options: options, log: options.Log, hooks: hooks.New(hooks.Options{Log: options.Log}),
		apps: apps{changed: make(chan struct{}, 1)}, config: config{now: status.Config{Loaded: time.Now()}},
		applying: make(chan struct{}, 1), queued: make(chan struct{}, 1),
		parent: parent{socket: options.NotifySocket, log: options.Log},
	}
	d := &s.apps.deps.Worker
	d.Reaper, d.Log, d.Cgroup, d.UID, d.Journal = options.Reaper, options.Log, options.Cgroup, os.Geteuid(), s.journal.append
	d.OOM, d.Hooks, d.Host = &usage.OOMKills{Count: options.Cgroup.OOMKills}, s.hooks, host
	d.Output, d.StartLimit, d.StartInvocation = options.Output, make(chan struct{}, max(options.StartLimit, 1)), invocation.Start
	s.apps.deps.SetDefaults(s.apps.wake)
	d.SharedBy = s.apps.sharedBy
	var err error
	s.apps.list, err = s.apps.prepare(nil, confs)
	return s, err
}

// Run starts all apps and returns when they have ended, with the exit code for
// the whole. The end of ctx stops them in order; the end of kill cuts every
// grace short.
func (s *Supervisor) Run(ctx, kill context.Context) int {
	s.apps.begin(ctx, kill)
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	defer unwatch()
	go s.awaitReady(watching)
	code := s.wait(ctx)
	telling, told := context.WithTimeout(kill, hookGrace)
	defer told()
	s.stopping.Store(true)
	s.parent.notify("STOPPING=1")
	s.apps.delay(kill, s.options.ShutdownDelay)
	s.apps.end(kill)
	s.hooks.Close(telling)
	process.EndAll(kill, s.options.Reaper, process.Ladder{Signal: unix.SIGTERM, Grace: orphanGrace})
	return code
}

// wait waits until the apps have ended, or ctx has.
func (s *Supervisor) wait(ctx context.Context) int {
	for {
		if end := s.apps.decideExit(s.options.KeepRunning); end.over {
			s.failure.Store(end.failure)
			return end.code
		}
		select {
		case <-s.apps.changed:
		case <-ctx.Done():
			return 0
		}
	}
}

// Failure says which app the exit code is from, and how it failed; "" when none
// did.
func (s *Supervisor) Failure() string {
	if reason := s.failure.Load(); reason != nil {
		return *reason
	}
	return ""
}
