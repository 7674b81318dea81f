package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// BusyError is the answer to an order that would get into the way of another.
type BusyError struct{ App, What string }

// Error names what is under way.
func (e *BusyError) Error() string {
	return fmt.Sprintf("a %s of %s is under way; wait for its end", e.What, e.App)
}

// Conflict marks it as one for HTTP.
func (*BusyError) Conflict() {}

// What else an order may be answered.
var (
	ErrStopping = errors.New("gorun is stopping")
	ErrUnknown  = errors.New("there is no such app or worker")
)

// desk is where an app takes orders. All of it is its goroutine's, but for the
// channels.
type desk struct {
	tasks   chan *task
	done    chan func() // the end of what was done beside that goroutine, to be run by it
	busy    *task       // what takes its time; nil: nothing
	line    []*task     // patient ones that wait for its end, one for each reason
	opening bool        // the first workers are on their way, and somebody waits for them
	added   *task       // what brought the app about while gorun ran, until the first workers start; nil: nothing
	needs   []need      // that are still to be met
	awaited chan awaitedNeed
	parked  bool // somebody has stopped a worker since the first was started
	leaving bool // to be forgotten when the last worker is gone

	succeeded bool       // another app takes its place then
	failures  []exitNote // of the workers that have failed since the first was started, in their order

	unwatch context.CancelFunc // ends what may ask for a restart
}

func newDesk() desk {
	return desk{tasks: make(chan *task), done: make(chan func()), unwatch: func() {}}
}

// task is one order, as it concerns one app.
type task struct {
	verb      spec.Verb
	size      *spec.Size // not nil: it is to be scaled
	instances []int      // nil: every worker
	succeeded bool       // of a Delete: another app takes the place
	conf      *spec.App  // to run by from now on; nil: as before
	parallel  int
	reason    status.Reason
	patient   bool // waits for its turn; else it is refused while something else is under way
	waited    bool // for its turn
	tell      func(instance int, text string)
	done      chan error // gets one value
}

// name is what the task is called.
func (t *task) name() string {
	if t.size != nil {
		return "scale"
	}
	return t.verb.String()
}

// obey does what is asked for, or begins to.
func (a *app) obey(ctx context.Context, t *task) {
	var err error
	switch {
	case ctx.Err() != nil:
		err = ErrStopping
	case a.desk.leaving:
		err = fmt.Errorf("%w: app %s is being deleted", ErrUnknown, a.name)
	case t.patient && a.desk.opening:
		a.lineUp(t)
	case t.size != nil:
		err = a.resize(ctx, t)
	default:
		err = a.follow(ctx, t)
	}
	switch busy := new(BusyError); {
	case err == nil:
	case t.patient && errors.As(err, &busy):
		a.lineUp(t)
	default:
		t.done <- err
	}
}

// lineUp has a task wait. What comes while another one of the same reason waits is
// done with that one; and one that has waited is not followed by the next: what
// writes files when it starts would be restarted for ever.
func (a *app) lineUp(t *task) {
	if busy := a.desk.busy; busy != nil && busy.waited && busy.reason == t.reason {
		t.done <- nil
		return
	}
	if slices.ContainsFunc(a.desk.line, func(other *task) bool { return other.reason == t.reason }) {
		t.done <- nil
		return
	}
	a.desk.line = append(a.desk.line, t)
}

// next takes up what has waited for its turn. An app that somebody has stopped
// meanwhile is left alone.
func (a *app) next(ctx context.Context) {
	waiting := a.desk.line
	a.desk.line = nil
	for _, t := range waiting {
		t.waited = true
		if a.roster.phase == parked {
			t.done <- nil
		} else {
			a.obey(ctx, t)
		}
	}
}

// follow takes the first step of a task; its error is the task's answer.
func (a *app) follow(ctx context.Context, t *task) error {
	chosen, err := a.chosen(t.instances)
	if err != nil {
		return err
	}
	switch t.verb {
	case spec.Start:
		return a.start(ctx, t, chosen)
	case spec.Stop, spec.Delete:
		a.halt(t, chosen)
	case spec.Restart, spec.Reload:
		return a.renew(ctx, t, chosen)
	case spec.Reset:
		a.forgive(t, chosen)
	}
	return nil
}

// chosen returns the workers with these instance numbers.
func (a *app) chosen(instances []int) ([]*worker, error) {
	if instances == nil {
		return slices.Clone(a.roster.workers), nil
	}
	var found []*worker
	for _, w := range a.roster.workers {
		if slices.Contains(instances, w.status.Instance) {
			found = append(found, w)
		}
	}
	if len(found) < len(instances) {
		return nil, fmt.Errorf("%w: app %s has %d workers", ErrUnknown, a.name, len(a.roster.workers))
	}
	return found, nil
}

// reserve refuses what would get into the way of what is under way.
func (a *app) reserve(t *task) error {
	if a.desk.busy != nil {
		return &BusyError{a.name, a.desk.busy.name()}
	}
	a.desk.busy = t
	return nil
}

// start starts those of the workers that are at rest.
func (a *app) start(ctx context.Context, t *task, chosen []*worker) error {
	if err := a.reserve(t); err != nil {
		return err
	}
	a.forgetNeeds(errSuperseded)
	var turns []turn
	for _, w := range chosen {
		if h := a.crew.hands[w]; h != nil && (h.parked || h.discharged) {
			a.desk.busy = nil
			return &BusyError{a.name, "stop"}
		} else if h != nil {
			t.tell(w.status.Instance, "runs already")
			continue
		}
		turns = append(turns, a.wake(w, newRenewal(a.roster.conf, t.reason)))
	}
	go a.roll(ctx, t, turns, len(turns))
	return nil
}

// wake starts a worker at rest, as a turn that is already on its way.
func (a *app) wake(w *worker, r *renewal) turn {
	a.begin(w, r)
	return turn{worker: w, over: a.crew.hands[w].over, renewal: r, sent: true, begun: time.Now()}
}

// halt stops workers, also while something else is under way: that will find
// them gone. Delete forgets them, and an app without workers.
func (a *app) halt(t *task, chosen []*worker) {
	if t.instances == nil {
		a.forgetNeeds(errStopped)
		if a.roster.phase == waiting || a.roster.phase == over {
			a.enter(parked)
		}
	}
	var hands []*hand
	for _, w := range chosen {
		h := a.crew.hands[w]
		if h == nil && t.verb == spec.Delete {
			a.discharge(w)
		}
		if h != nil {
			h.parked, h.discharged = true, h.discharged || t.verb == spec.Delete
			h.stop()
			hands = append(hands, h)
		}
	}
	if len(hands) == len(a.crew.hands) {
		a.parting()
	}
	a.desk.leaving = t.verb == spec.Delete && !slices.ContainsFunc(a.roster.workers, a.stays)
	a.desk.succeeded = t.succeeded
	a.crew.awaited++
	go func() {
		for _, h := range hands {
			<-h.over
		}
		t.tell(status.EveryWorker, past(t.verb)+" "+plural(len(hands), "worker"))
		a.desk.done <- func() { // it has settled by now: ports at rest refuse
			a.crew.awaited--
			t.done <- nil
		}
	}()
}

// stays tells whether a worker is not on its way to be forgotten.
func (a *app) stays(w *worker) bool {
	h := a.crew.hands[w]
	return h == nil || !h.discharged
}

// past tells of the verb when it is done.
func past(v spec.Verb) string {
	return [...]string{"started", "stopped", "restarted", "reloaded", "deleted", "reset"}[v]
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// forgive sets the counters of restarts to zero.
func (a *app) forgive(t *task, chosen []*worker) {
	overs := map[*worker]chan struct{}{}
	for _, w := range chosen {
		if h := a.crew.hands[w]; h != nil {
			overs[w] = h.over
		} else {
			w.forgive()
		}
	}
	go func() {
		for w, over := range overs {
			forgiven := make(chan struct{})
			select {
			case w.orders.asides <- func() { w.forgive(); close(forgiven) }:
				<-forgiven
			case <-over:
			}
		}
		t.tell(status.EveryWorker, past(t.verb))
		t.done <- nil
	}()
}

// forgive is for the goroutine that the worker belongs to.
func (w *worker) forgive() {
	w.status.Unstable, w.status.Forgiven = 0, w.status.Restarts
	w.publish()
}
