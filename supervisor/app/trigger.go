package app

import (
	"context"
	"strings"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/trigger"
	"gorun/supervisor/worker"
)

// triggers are what may ask for a restart of an app: memory, clock and files.
type triggers struct {
	app  *App
	stop context.CancelFunc
}

// start starts them for a revision of the app, in place of those of another. They end
// with ctx.
func (t *triggers) start(ctx context.Context, conf *spec.App, schedule trigger.Schedule) {
	t.stop()
	ctx, t.stop = context.WithCancel(ctx)
	a := t.app
	if conf.MaxMemory > 0 {
		watch := memoryWatch{app: a, runs: map[*worker.Worker]*memoryRun{}}
		go watch.run(ctx)
	}
	if conf.Cron != "" {
		go t.followClock(ctx, schedule, conf.Cron)
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

// followClock asks for a restart whenever the schedule says so; text is how it was
// written.
func (t *triggers) followClock(ctx context.Context, schedule trigger.Schedule, text string) {
	schedule.Run(ctx, func() { t.app.Provoke(ctx, status.ByCron, text) })
}
