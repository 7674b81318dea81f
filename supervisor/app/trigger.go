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

// start starts them for a revision of the app, in place of those of another, and returns
// its schedule. They end with ctx.
func (t *triggers) start(ctx context.Context, conf *spec.App) trigger.Schedule {
	t.stop()
	ctx, t.stop = context.WithCancel(ctx)
	a := t.app
	if conf.MaxMemory > 0 {
		watch := memoryWatch{app: a, runs: map[*worker.Worker]*memoryRun{}}
		go watch.run(ctx)
	}
	schedule := t.schedule(conf.Cron)
	if conf.Cron != "" {
		go schedule.Run(ctx, func() { a.RequestRestart(ctx, status.ByCron, conf.Cron) })
	}
	if conf.Watch == nil {
		return schedule
	}
	go func() {
		err := trigger.Watch(*conf.Watch).Run(ctx, func(changed []string) { a.RequestRestart(ctx, status.ByWatch, strings.Join(changed, ", ")) })
		if err != nil {
			a.deps.Worker.Log.Error("cannot watch files", "app", a.name, "error", err)
		}
	}()
	return schedule
}

// schedule reads a cron_restart; the zero Schedule never comes.
func (t *triggers) schedule(text string) trigger.Schedule {
	if text == "" {
		return trigger.Schedule{}
	}
	schedule, err := trigger.ParseSchedule(text)
	if err != nil { // the loader has checked it
		t.app.deps.Worker.Log.Error("cannot read cron_restart", "app", t.app.name, "error", err)
	}
	return schedule
}
