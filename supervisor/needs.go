package supervisor

import (
	"context"
	"fmt"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// need is an app that must have come so far before this one starts.
type need struct {
	app       *app
	condition spec.Condition
}

// awaitedNeed is what became of a need.
type awaitedNeed struct {
	app *app
	met bool
}

// awaitNext waits for the next app that this one needs, beside its goroutine;
// when there is none left, the workers are started.
func (a *app) awaitNext(ctx context.Context) {
	if len(a.desk.needs) == 0 {
		a.open()
		return
	}
	next := a.desk.needs[0]
	a.desk.needs = a.desk.needs[1:]
	a.roster.held = "waits for app " + next.app.name
	if a.desk.added != nil {
		a.desk.added.tell(status.EveryWorker, a.roster.held)
	}
	a.publish()
	answer := make(chan awaitedNeed, 1)
	a.desk.awaited = answer
	go func() { answer <- awaitedNeed{next.app, next.await(ctx)} }()
}

// open starts the first workers. Whoever has added the app is told what becomes
// of them; orders are not refused meanwhile.
func (a *app) open() {
	t := a.desk.added
	a.desk.added = nil
	var turns []turn
	for _, w := range a.roster.workers {
		turns = append(turns, a.wake(w, newRenewal(a.roster.conf, status.ByManual)))
	}
	if t != nil {
		a.desk.opening = true
		a.crew.awaited++
		go a.attend(t, turns)
	}
}

// answer ends the task that has added the app, if its workers are not to start.
func (a *app) answer(err error) {
	if a.desk.added != nil {
		a.desk.added.done <- err
		a.desk.added = nil
	}
}

// proceed goes on when a need was met, or never will be.
func (a *app) proceed(ctx context.Context, answer awaitedNeed) {
	a.desk.awaited = nil
	switch {
	case ctx.Err() != nil:
		a.answer(ErrStopping)
		a.enter(over)
	case answer.met:
		a.awaitNext(ctx)
	default:
		a.refuse(answer.app)
	}
}

// forgetNeeds starts no worker any more when they are met, and tells why to who
// waits for that.
func (a *app) forgetNeeds(why error) {
	a.answer(why)
	a.desk.awaited, a.desk.needs, a.roster.held = nil, nil, ""
}

// refuse ends an app that cannot be started, with the code of the app to blame.
func (a *app) refuse(needed *app) {
	why := "has failed"
	switch r := needed.look(); {
	case r.phase == running:
		why = "was started again and has not ended yet"
	case !r.conf.Autostart:
		why = "is not started: its autostart is false"
	}
	a.roster.held = "not started: app " + needed.name + " " + why
	a.roster.code = max(needed.look().code, 1)
	a.answer(&StartError{Cause: fmt.Errorf("app %s %s", a.name, a.roster.held)})
	a.tools.log.Error("app not started: it depends on another one", "app", a.name, "depends_on", needed.name, "which", why)
	a.enter(over)
}

// await waits for the app to come so far. What has ended meanwhile is judged
// by its end, though it may have been online.
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
	r := n.app.look()
	return r.completed || r.phase == running && n.condition == spec.Online && closed(n.app.marks.online)
}

// awaitReady waits until every worker was online once, or all ended well. It
// returns false when that can no longer be, or ctx ended.
func (a *app) awaitReady(ctx context.Context) bool {
	select {
	case <-a.marks.ready:
		return true
	case <-a.marks.ended:
		r := a.look()
		return r.completed || !r.conf.Autostart
	case <-ctx.Done():
		return false
	}
}
