package supervisor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorun/supervisor/hooks"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

var (
	errStopped    = errors.New("it was stopped before it was ready")
	errSuperseded = errors.New("another restart was asked for before it was ready")
)

// renewal is the wish for a new process of a worker. Both channels are the
// worker's to close or fill.
type renewal struct {
	conf    *spec.App // to run by from now on
	reason  status.Reason
	rolling bool          // beside the old one where that can be
	done    chan error    // gets one value: nil when the new process is online
	gone    chan struct{} // closed when the old one, or one that failed to replace it, is gone
}

func newRenewal(conf *spec.App, reason status.Reason) *renewal {
	return &renewal{conf: conf, reason: reason, done: make(chan error, 1), gone: make(chan struct{})}
}

func (r *renewal) settle(err error) {
	r.done <- err
	close(r.gone)
}

// orders is how others ask a worker for something.
type orders struct {
	renewals chan *renewal // taken by the worker's goroutine
	asides   chan func()   // to be run by it
	pending  *renewal      // that goroutine's own: gets its answer when the process is online, or failed to be
}

func newOrders() orders {
	return orders{renewals: make(chan *renewal), asides: make(chan func())}
}

// fulfil tells whoever waits for the new process that it is online.
func (o *orders) fulfil() {
	if o.pending != nil {
		o.pending.settle(nil)
		o.pending = nil
	}
}

func (o *orders) refuse(err error) {
	if o.pending != nil {
		o.pending.settle(err)
		o.pending = nil
	}
}

// expect notes the wish for the process that is started next.
func (w *worker) expect(r *renewal) {
	w.orders.refuse(errSuperseded)
	w.orders.pending = r
	w.adopt(r.conf)
}

// adopt makes the worker run by another edition of its app. Its next process
// writes to the log files of that one.
func (w *worker) adopt(conf *spec.App) {
	if conf.Logs != w.app.Logs {
		w.output.Reconfigure(conf.Logs)
	}
	w.app = conf
}

// canOverlap tells whether two processes of the worker can serve at once.
func (w *worker) canOverlap(r *renewal) bool {
	return r.rolling && w.status.State == status.Online && w.sharing.shares()
}

// renew gives the worker another process: beside the present one where that can
// be, else after its end.
func (w *worker) renew(ctx, kill context.Context, l life, r *renewal) (life, *ended) {
	if w.canOverlap(r) {
		return w.replace(ctx, kill, l, r), nil
	}
	w.expect(r)
	return l, &ended{cause: wanted, reason: r.reason}
}

// replace starts a successor beside the process, and steers to it once it is
// ready. It returns whoever serves then: where the successor fails, that is who
// served before.
func (w *worker) replace(ctx, kill context.Context, old life, r *renewal) life {
	before := w.app
	w.adopt(r.conf)
	next, err := w.launchOne()
	if err != nil {
		w.status.Exits[status.Failure]++
		w.adopt(before)
		r.settle(err)
		return old
	}
	if end, why := w.prove(ctx, old, next); why != nil {
		w.adopt(before)
		w.retire(kill, departure{life: next, end: end, renewal: r, failed: why})
		return old
	}
	next.door.succeed(old.door)
	w.again(r.reason, hooks.Event{})
	w.status.StartTimes = w.status.StartTimes.Observe(time.Since(next.began))
	w.status.Ready = true
	w.present(next)
	w.forgetRequest() // it was about the old one
	r.done <- nil
	w.retire(kill, departure{life: old, end: ended{cause: wanted, reason: r.reason}, renewal: r})
	return next
}

// prove waits until the successor is ready, or has failed, and why. The end of
// the old process meanwhile only takes it out of the steering.
func (w *worker) prove(ctx context.Context, old, next life) (ended, error) {
	awaited := w.await(next)
	defer awaited.stop()
	dead, last := old.Exited(), ""
	lasting := max(w.app.Restart.MinUptime, settling)
	switch {
	case awaited.blind: // one that serves is not given up for less than a stable run
		awaited.allow(lasting)
	case !listened(old) && awaited.missed() == "":
		awaited.allow(min(awaited.limit, lasting)) // nor will this one: it works off a queue
	}
	told := awaited.missed() != ""
	for !awaited.over() {
		if told && awaited.missed() == "" && !listened(old) {
			awaited.suffices()
			continue
		}
		select {
		case <-next.Exited():
			return ended{cause: died}, errors.New("it ended before it was ready")
		case <-ctx.Done():
			return ended{cause: stopped}, errStopped
		case <-dead:
			old.door.offline()
			dead = nil
			w.status.Ready = false
			w.publish()
		case gone := <-w.farewell.departures:
			w.bury(gone)
		case f := <-w.orders.asides:
			f()
		case <-awaited.signs.listening:
			awaited.signs.listening = nil
		case <-awaited.signs.ready:
			awaited.signs.ready = nil
		case result := <-awaited.signs.checked:
			awaited.note(result)
			last = result.Text
		case more := <-awaited.signs.extend:
			awaited.prolong(more)
		case <-awaited.timer.C:
			if awaited.missed() != "" || awaited.signs.listening != nil && listened(old) {
				return ended{cause: misbehaved, late: true}, late(awaited, last)
			}
			awaited.signs.listening = nil
		}
	}
	return ended{}, nil
}

// listened tells whether a process has served: then its successor must, too.
func listened(l life) bool {
	listening := l.door.signs().listening
	return listening != nil && closed(listening)
}

// late tells of a process that was not ready in time; last is what its health
// check found.
func late(a *awaited, last string) error {
	if last != "" {
		last = ": " + last
	}
	return fmt.Errorf("it was not ready within its listen_timeout of %v: missing %s%s", a.limit, cmp.Or(a.missed(), "a socket that it listens on"), last)
}

// farewell is how a worker takes leave of processes that serve no more.
type farewell struct {
	departures chan departure
	leaving    int // how many are on their way; the worker's goroutine's own
}

func newFarewell() farewell { return farewell{departures: make(chan departure)} }

// departure is a process that serves no more, or never did.
type departure struct {
	life    life
	end     ended
	renewal *renewal
	failed  error // why it did not become a successor; nil: it was replaced
}

// retire ends a process beside the worker's present one.
func (w *worker) retire(kill context.Context, d departure) {
	w.farewell.leaving++
	select {
	case <-d.life.Exited():
		d.end.cause = died
	default:
	}
	go func() {
		w.finish(kill, d.life, &d.end)
		d.life.door.offline()
		d.life.door.release()
		w.farewell.departures <- d
	}()
}

// bury puts the end of a retired process on record.
func (w *worker) bury(d departure) {
	w.farewell.leaving--
	w.hangUp(d.life)
	w.record(d.life, &d.end)
	w.publish()
	if d.failed != nil {
		d.renewal.done <- &StartError{Cause: d.failed, Exit: w.status.LastExit.Text, Tail: d.end.tail}
	}
	close(d.renewal.gone)
}

// seeOff waits for all that are on their way.
func (w *worker) seeOff() {
	for w.farewell.leaving > 0 {
		w.bury(<-w.farewell.departures)
	}
}

// StartError tells why a new process of a worker did not come to serve.
type StartError struct {
	Cause error
	Exit  string   // how it ended, named
	Tail  []string // its last words on stderr
}

// Error has the last words after the cause, a line each.
func (e *StartError) Error() string {
	text := e.Cause.Error()
	if e.Exit != "" {
		text += " (exit " + e.Exit + ")"
	}
	if len(e.Tail) > 0 {
		text += "; its last words:\n  " + strings.Join(e.Tail, "\n  ")
	}
	return text
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Cause }

// failure is the end of a run for whoever has waited for it to be online.
func (w *worker) failure(end ended) error {
	cause := errors.New("it ended before it was ready")
	if end.late {
		cause = fmt.Errorf("it was not ready within its listen_timeout of %v", w.app.ListenTimeout)
	}
	return &StartError{Cause: cause, Exit: w.status.LastExit.Text, Tail: end.tail}
}
