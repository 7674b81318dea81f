package supervisor

import (
	"context"
	"slices"
	"sync/atomic"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// app holds the workers of one app. What is not said to be immutable belongs
// to the goroutine in run; others read what it has published.
type app struct {
	name    string                      // immutable
	tools   *tools                      // immutable
	needs   []need                      // immutable
	launch  func(*worker) (life, error) // immutable: how its workers start a process
	changed chan struct{}               // a worker has published something
	cancel  context.CancelFunc          // immutable: the end of all of it

	marks     milestones
	roster    roster
	crew      crew
	desk      desk
	published atomic.Pointer[roster]
}

// milestones are what others may wait for.
type milestones struct {
	online chan struct{} // closed: a worker was online
	ready  chan struct{} // closed: every worker was online
	ended  chan struct{} // closed: it has come to an end, once at least
	gone   chan struct{} // closed: run has returned
}

// roster is what others may know of an app. The published copy never changes.
type roster struct {
	conf      *spec.App
	workers   []*worker // in the order of their instances
	sharing   *sharing  // nil while none of them runs
	phase     phase
	code      int    // to blame the app with
	completed bool   // all workers ended as they were meant to
	turn      int64  // counts the phases of all apps: which came first
	held      string // why no worker was started yet; "": they were
	reloads   status.Reloads
}

// phase is what becomes of an app as a whole.
type phase int

const (
	waiting phase = iota // for the apps it needs
	running              // a worker has a goroutine
	over                 // all workers have ended by themselves, or none was ever to start
	parked               // somebody has stopped it
)

// crew are the workers that have a goroutine.
type crew struct {
	spawn   func(*worker) *hand // starts one
	hands   map[*worker]*hand
	exits   chan exitNote
	awaited int // orders that wait until some of them are at rest
}

// hand is how an app holds a worker that has a goroutine.
type hand struct {
	stop       context.CancelFunc
	over       chan struct{} // closed: the goroutine has ended, and the app has taken note
	parked     bool          // somebody has stopped it
	discharged bool          // to be forgotten when it has ended
}

type exitNote struct {
	worker *worker
	code   int
}

func newApp(conf *spec.App, t *tools) *app {
	a := &app{
		name: conf.Name, tools: t, launch: (*worker).launch, changed: make(chan struct{}, 1), cancel: func() {},
		marks:  milestones{make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})},
		crew:   crew{hands: map[*worker]*hand{}, exits: make(chan exitNote)},
		desk:   newDesk(),
		roster: roster{conf: conf},
	}
	for range conf.Instances {
		a.recruit(conf)
	}
	a.publish()
	return a
}

// recruit adds a worker, at rest, with the first instance number that is free.
func (a *app) recruit(conf *spec.App) *worker {
	instance := 0
	for instance < len(a.roster.workers) && a.roster.workers[instance].status.Instance == instance {
		instance++
	}
	w := newWorker(a, conf, instance, int(a.tools.ids.Add(1))-1)
	a.roster.workers = slices.Insert(a.roster.workers, instance, w)
	return w
}

// publish gives others a copy of what the app's goroutine knows.
func (a *app) publish() {
	r := a.roster
	r.workers = slices.Clone(r.workers)
	a.published.Store(&r)
	a.tools.wake()
}

func (a *app) look() *roster { return a.published.Load() }

// enter takes the app to a phase.
func (a *app) enter(to phase) {
	a.roster.phase, a.roster.turn = to, a.tools.turns.Add(1)
	a.publish()
}

// run starts the workers when all that the app needs is there, and does what it
// is asked for. It returns when ctx has ended and the last worker with it, or
// when the app is to be forgotten.
func (a *app) run(ctx, kill context.Context) {
	defer close(a.marks.gone)
	a.crew.spawn = func(w *worker) *hand { return a.spawn(ctx, kill, w) }
	if a.roster.conf.Autostart {
		a.enter(waiting)
		a.awaitNext(ctx)
	} else {
		a.enter(over)
		a.answer(nil)
	}
	a.watchOver(ctx)
	marks, stop := a.marks, ctx.Done()
	for {
		a.settle(ctx)
		marks = a.reach(marks)
		if a.idle() && (stop == nil || a.desk.leaving) {
			a.desk.unwatch()
			return
		}
		select {
		case <-a.changed:
		case answer := <-a.desk.awaited:
			a.proceed(ctx, answer)
		case note := <-a.crew.exits:
			a.take(note)
		case finish := <-a.desk.done:
			finish()
			a.next(ctx)
		case t := <-a.desk.tasks:
			a.obey(ctx, t)
		case <-stop:
			stop = nil
		}
	}
}

// idle tells whether nobody runs, and nobody waits for an answer.
func (a *app) idle() bool {
	return len(a.crew.hands) == 0 && a.crew.awaited == 0 && a.desk.busy == nil
}

// spawn gives the worker a goroutine.
func (a *app) spawn(ctx, kill context.Context, w *worker) *hand {
	own, stop := context.WithCancel(ctx)
	h := &hand{stop: stop, over: make(chan struct{})}
	go func() {
		code := w.begin(own, kill)
		stop()
		a.crew.exits <- exitNote{w, code}
	}()
	return h
}

// begin starts a worker that is at rest. The renewal is answered when it is
// online.
func (a *app) begin(w *worker, r *renewal) {
	if a.roster.sharing == nil {
		a.roster.sharing = newSharing(a.roster.conf, a.tools)
	}
	if a.roster.phase != running {
		a.desk.failures, a.roster.completed, a.roster.held = nil, false, ""
		a.enter(running)
	}
	a.pardon(w)
	w.sharing = a.roster.sharing
	a.roster.sharing.ending.Store(false)
	w.expect(r)
	a.crew.hands[w] = a.crew.spawn(w)
}

// take notes the end of a worker's goroutine.
func (a *app) take(note exitNote) {
	h := a.crew.hands[note.worker]
	defer close(h.over)
	delete(a.crew.hands, note.worker)
	// The last to end decides what becomes of the app.
	a.desk.parked = h.parked && (!h.discharged || a.desk.leaving)
	if note.code != 0 {
		a.desk.failures = append(a.desk.failures, note)
	}
	if h.discharged {
		a.discharge(note.worker)
	}
	a.blame()
}

// parting notes that every worker is on its way out. Anybody may call it.
func (a *app) parting() {
	if shared := a.look().sharing; shared != nil {
		shared.ending.Store(true)
	}
}

// discharge forgets a worker that is at rest.
func (a *app) discharge(w *worker) {
	a.roster.workers = slices.DeleteFunc(a.roster.workers, func(one *worker) bool { return one == w })
	w.output.Close() // nothing of it is left to be written
	a.pardon(w)
}

// pardon forgets that a worker has failed.
func (a *app) pardon(w *worker) {
	a.desk.failures = slices.DeleteFunc(a.desk.failures, func(note exitNote) bool { return note.worker == w })
	a.blame()
}

// blame takes the code of the first worker that has failed for the app's.
func (a *app) blame() {
	a.roster.code = 0
	if len(a.desk.failures) > 0 {
		a.roster.code = a.desk.failures[0].code
	}
	a.publish()
}

// settle takes the app out of its running phase when the last worker is at
// rest: from then on its ports refuse.
func (a *app) settle(ctx context.Context) {
	if a.roster.phase != running || len(a.crew.hands) > 0 {
		return
	}
	a.roster.sharing.close()
	a.roster.sharing = nil
	a.roster.completed = a.roster.code == 0 && ctx.Err() == nil && !a.desk.parked
	if a.desk.parked {
		a.enter(parked)
	} else {
		a.enter(over)
	}
	a.desk.parked = false
}

// reach closes the milestones that have been come to, and returns what is left.
func (a *app) reach(left milestones) milestones {
	n := 0
	for _, w := range a.roster.workers {
		if w.published.Load().OnlineOnce {
			n++
		}
	}
	if left.online != nil && n >= 1 {
		close(left.online)
		left.online = nil
	}
	if left.ready != nil && n >= len(a.roster.workers) {
		close(left.ready)
		left.ready = nil
	}
	if left.ended != nil && (a.roster.phase == over || a.roster.phase == parked) {
		close(left.ended)
		left.ended = nil
	}
	return left
}
