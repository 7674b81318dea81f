package app

import (
	"context"
	"strings"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/trigger"
	"gorun/supervisor/usage"
	"gorun/supervisor/worker"
)

// startTriggers starts what may ask for a restart of the app: memory, clock and
// files. It ends with ctx, or when the app comes to another revision.
func (a *App) startTriggers(ctx context.Context) {
	a.trigger()
	ctx, a.trigger = context.WithCancel(ctx)
	conf := a.desired.spec
	if conf.MaxMemory > 0 {
		go a.watchMemory(ctx)
	}
	if conf.Cron != "" {
		go a.followClock(ctx, conf.Cron)
	}
	if conf.Watch == nil {
		return
	}
	go func() {
		err := trigger.Watch(*conf.Watch).Run(ctx, func(changed []string) { a.Provoke(ctx, status.ByWatch, strings.Join(changed, ", ")) })
		if err != nil {
			a.deps.Worker.Log.Error("cannot watch files", "app", a.name, "error", err)
		}
	}()
}

// followClock asks for a restart whenever the schedule says so.
func (a *App) followClock(ctx context.Context, text string) {
	schedule, err := trigger.ParseSchedule(text)
	if err != nil { // the loader has checked it
		a.deps.Worker.Log.Error("cannot read cron_restart", "app", a.name, "error", err)
		return
	}
	schedule.Run(ctx, func() { a.Provoke(ctx, status.ByCron, text) })
}

// Provoke has the app's workers replaced for a reason of gorun's own, without a gap
// where they share their ports. While something else is under way, that waits for
// its end.
func (a *App) Provoke(ctx context.Context, why status.Reason, what string) {
	c := &Command{Verb: spec.Reload, Reason: why, Background: true}
	c.Prepare(func(int, string) {})
	switch a.Published().Phase {
	case Running:
	case Ended:
		c.Verb = spec.Start // a job that the clock starts again
	case Waiting, Stopped:
		return
	}
	a.deps.Worker.Log.Info("restarting", "app", a.name, "reason", why, "what", what)
	select {
	case a.commands <- c:
	case <-ctx.Done():
		return
	}
	go func() {
		if err := a.Await(context.WithoutCancel(ctx), c); err != nil && ctx.Err() == nil {
			a.deps.Worker.Log.Error("restart failed", "app", a.name, "reason", why, "error", err)
		}
	}()
}

// memoryInterval is how often max_memory_restart is checked.
const memoryInterval = time.Second

// watchMemory restarts workers whose tree has outgrown max_memory_restart.
func (a *App) watchMemory(ctx context.Context) {
	ticker := time.NewTicker(memoryInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.checkMemory()
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) checkMemory() {
	for _, tree := range worker.Trees(a.Published().Workers, hasMemoryLimit) {
		w, limit := tree.Worker, tree.Worker.Published().Spec.MaxMemory
		used := usage.Resident(tree.Pids)
		if used <= limit || w.Invocation() != tree.Invocation {
			continue
		}
		a.deps.Worker.Log.Warn("worker uses more memory than max_memory_restart allows: restarting it",
			"worker", w.Name(), "used", status.Bytes(used), "limit", status.Bytes(limit))
		w.Restart(status.ByMemory)
	}
}

// hasMemoryLimit is false for a worker that is stopping: it was restarted already.
func hasMemoryLimit(w *worker.Worker) bool {
	p := w.Published()
	return p.Spec.MaxMemory > 0 && (p.State == status.Launching || p.State == status.Online)
}
