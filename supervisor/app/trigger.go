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

// triggers are what may ask for a restart of an app: memory, clock and files.
type triggers struct {
	app  *App
	stop context.CancelFunc
}

// start starts them for a revision of the app, in place of those of another. They end
// with ctx.
func (t *triggers) start(ctx context.Context, conf *spec.App) {
	t.stop()
	ctx, t.stop = context.WithCancel(ctx)
	a := t.app
	if conf.MaxMemory > 0 {
		go t.watchMemory(ctx)
	}
	if conf.Cron != "" {
		go t.followClock(ctx, conf.Cron)
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
func (t *triggers) followClock(ctx context.Context, text string) {
	schedule, err := trigger.ParseSchedule(text)
	if err != nil { // the loader has checked it
		t.app.deps.Worker.Log.Error("cannot read cron_restart", "app", t.app.name, "error", err)
		return
	}
	schedule.Run(ctx, func() { t.app.Provoke(ctx, status.ByCron, text) })
}

// memoryInterval is how often max_memory_restart is checked.
const memoryInterval = time.Second

// watchMemory restarts workers whose tree has outgrown max_memory_restart.
func (t *triggers) watchMemory(ctx context.Context) {
	ticker := time.NewTicker(memoryInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			t.checkMemory()
		case <-ctx.Done():
			return
		}
	}
}

func (t *triggers) checkMemory() {
	for _, tree := range worker.Trees(t.app.Published().Workers, hasMemoryLimit) {
		w, limit := tree.Worker, tree.Worker.Published().Spec.MaxMemory
		used := usage.Resident(tree.Pids)
		if used <= limit || w.Invocation() != tree.Invocation {
			continue
		}
		t.app.deps.Worker.Log.Warn("worker uses more memory than max_memory_restart allows: restarting it",
			"worker", w.Name(), "used", status.Bytes(used), "limit", status.Bytes(limit))
		w.Restart(status.ByMemory)
	}
}

// hasMemoryLimit is false for a worker that is stopping: it was restarted already.
func hasMemoryLimit(w *worker.Worker) bool {
	p := w.Published()
	return p.Spec.MaxMemory > 0 && (p.State == status.Launching || p.State == status.Online)
}
