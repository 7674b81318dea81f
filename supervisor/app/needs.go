package app

import (
	"context"
	"fmt"
	"slices"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// need is an app that must have come so far before this one starts.
type need struct {
	app       *App
	condition spec.Condition
}

// metNeed is what became of a need.
type metNeed struct {
	app *App
	met bool
}

// DependOn has the app wait for another one before its first start. Call it before
// Run.
func (a *App) DependOn(other *App, condition spec.Condition) {
	a.needs = append(a.needs, need{other, condition})
}

// DependsOn reports whether the app depends on the one of that name, which may have
// been exchanged since.
func (a *App) DependsOn(name string) bool {
	return slices.ContainsFunc(a.needs, func(n need) bool { return n.app.name == name })
}

// awaitNext waits for the next app that this one needs, beside its goroutine; when
// there is none left, the workers are to be started.
func (a *App) awaitNext(ctx context.Context) {
	if len(a.desired.needs) == 0 {
		a.startFirst()
		return
	}
	next := a.desired.needs[0]
	a.desired.needs = a.desired.needs[1:]
	a.actual.Blocked = "waits for app " + next.app.name
	if a.first != nil {
		a.first.Report(status.EveryWorker, a.actual.Blocked)
	}
	a.publish()
	met := make(chan metNeed, 1)
	a.desired.next = met
	go func() { met <- metNeed{next.app, next.await(ctx)} }()
}

// startFirst says that every worker is to be started. Whoever has added the app is
// answered when they are online, or have failed to be.
func (a *App) startFirst() {
	var steps []*update
	for _, s := range a.actual.slots {
		steps = append(steps, &update{slot: s, to: a.update(a.desired.spec, status.ByManual), start: true})
	}
	if a.first != nil {
		a.orders = append(a.orders, &order{Command: a.first, first: true, steps: steps, width: len(steps)})
		a.first = nil
		return
	}
	for _, u := range steps {
		u.slot.target = u.to
	}
}

// answerFirst answers whoever has added the app, if its workers are not to start.
func (a *App) answerFirst(err error) {
	if a.first != nil {
		a.first.finish(err)
		a.first = nil
	}
}

// proceed goes on when a need was met, or never will be.
func (a *App) proceed(ctx context.Context, need metNeed) {
	a.desired.next = nil
	switch {
	case ctx.Err() != nil:
		a.answerFirst(ErrStopping)
		a.enter(Ended)
	case need.met:
		a.awaitNext(ctx)
	default:
		a.giveUp(need.app)
	}
}

// dropNeeds starts no worker any more when they are met, and says why to whoever
// waits for that.
func (a *App) dropNeeds(why error) {
	a.answerFirst(why)
	a.desired.next, a.desired.needs, a.actual.Blocked = nil, nil, ""
}

// giveUp ends an app that cannot be started, with the code of the app that it needs.
func (a *App) giveUp(needed *App) {
	p := needed.Published()
	why := "has failed"
	switch {
	case p.Phase == Running:
		why = "was started again and has not ended yet"
	case !p.Spec.Autostart:
		why = "is not started: its autostart is false"
	}
	a.actual.Blocked = "not started: app " + needed.name + " " + why
	a.actual.Code = max(p.Code, 1)
	a.answerFirst(&worker.StartError{Cause: fmt.Errorf("app %s %s", a.name, a.actual.Blocked)})
	a.deps.Worker.Log.Error("app not started: it depends on another one", "app", a.name, "depends_on", needed.name, "which", why)
	a.enter(Ended)
}

// await waits for the app to come so far. What has ended meanwhile is judged by its
// end, though it may have been online.
func (n need) await(ctx context.Context) bool {
	var online <-chan struct{}
	if n.condition == spec.Online {
		online = n.app.marks.online
	}
	select {
	case <-online:
	case <-n.app.marks.ended:
	case <-ctx.Done():
		return false
	}
	p := n.app.Published()
	return p.Completed || p.Phase == Running && n.condition == spec.Online && slices.ContainsFunc(p.Workers, wasOnline)
}

// AwaitReady waits until every worker was online once, or all ended well. It
// returns false when that can no longer be, or ctx ended.
func (a *App) AwaitReady(ctx context.Context) bool {
	select {
	case <-a.marks.ready:
		return true
	case <-a.marks.ended:
		p := a.Published()
		return p.Completed || !p.Spec.Autostart
	case <-ctx.Done():
		return false
	}
}

func wasOnline(w *worker.Worker) bool { return w.Published().OnlineOnce }
