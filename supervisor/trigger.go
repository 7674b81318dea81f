package supervisor

import (
	"context"
	"strings"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/trigger"
)

// watchOver starts what may ask for a restart of the app: the clock and its
// files. It ends with ctx, or when the app gets another configuration.
func (a *app) watchOver(ctx context.Context) {
	a.desk.unwatch()
	ctx, a.desk.unwatch = context.WithCancel(ctx)
	conf := a.roster.conf
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
		err := trigger.Watch(*conf.Watch).Run(ctx, func(changed []string) { a.provoke(ctx, status.ByWatch, strings.Join(changed, ", ")) })
		if err != nil {
			a.tools.log.Error("cannot watch files", "app", a.name, "error", err)
		}
	}()
}

// followClock asks for a restart whenever the schedule says so.
func (a *app) followClock(ctx context.Context, text string) {
	schedule, err := trigger.ParseSchedule(text)
	if err != nil { // the loader has checked it
		a.tools.log.Error("cannot read cron_restart", "app", a.name, "error", err)
		return
	}
	schedule.Run(ctx, func() { a.provoke(ctx, status.ByCron, text) })
}

// provoke has the app's workers replaced, without a gap where they share their
// ports. While something else is under way, that waits for its end.
func (a *app) provoke(ctx context.Context, why status.Reason, what string) {
	t := &task{verb: spec.Reload, reason: why, patient: true, done: make(chan error, 1), tell: func(int, string) {}}
	switch a.look().phase {
	case running:
	case over:
		t.verb = spec.Start // a job that the clock starts again
	case waiting, parked:
		return
	}
	a.tools.log.Info("restarting", "app", a.name, "reason", why, "what", what)
	select {
	case a.desk.tasks <- t:
	case <-ctx.Done():
		return
	}
	go func() {
		if err := <-t.done; err != nil && ctx.Err() == nil {
			a.tools.log.Error("restart failed", "app", a.name, "reason", why, "error", err)
		}
	}()
}
