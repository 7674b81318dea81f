package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// turn is a worker that is to get a new process.
type turn struct {
	worker  *worker
	over    <-chan struct{} // closed: it has no goroutine any more
	renewal *renewal
	sent    bool // it has the renewal already
	begun   time.Time
}

// renew gives the workers new processes: all at once, or for a reload so many
// at a time.
func (a *app) renew(ctx context.Context, t *task, chosen []*worker) error {
	if err := a.reserve(t); err != nil {
		return err
	}
	if t.verb == spec.Restart {
		a.forgetNeeds(errSuperseded)
	}
	conf := a.roster.conf
	if t.conf != nil {
		conf = t.conf
	}
	var turns []turn
	width := len(chosen)
	if t.verb == spec.Reload {
		width = t.width(conf, len(chosen))
	}
	for _, w := range chosen {
		r := newRenewal(conf, t.reason)
		r.rolling = t.verb == spec.Reload
		switch h := a.crew.hands[w]; {
		case h != nil:
			turns = append(turns, turn{worker: w, over: h.over, renewal: r})
		case t.verb == spec.Reload && w.status.State != status.Errored:
			t.tell(w.status.Instance, "does not run, so there is nothing to reload")
		default:
			turns = append(turns, a.wake(w, r))
		}
	}
	go a.roll(ctx, t, turns, width)
	return nil
}

// width is how many workers are replaced at a time: a quarter, if nobody says.
func (t *task) width(conf *spec.App, workers int) int {
	switch {
	case t.parallel > 0:
		return t.parallel
	case conf.ReloadParallel > 0:
		return conf.ReloadParallel
	}
	return (workers + 3) / 4
}

// roll gives each worker its renewal, width at a time, and waits until those
// that they replace are gone. After the first failure nobody else gets one. The
// app's goroutine then takes note.
func (a *app) roll(ctx context.Context, t *task, turns []turn, width int) {
	begun := time.Now()
	queue := make(chan int, len(turns))
	for i := range turns {
		queue <- i
	}
	close(queue)
	errs := make([]error, len(turns))
	var failed atomic.Bool
	var all sync.WaitGroup
	for range max(width, 1) {
		all.Go(func() {
			for i := range queue {
				if failed.Load() && !turns[i].sent {
					continue
				}
				errs[i] = t.renewOne(&turns[i])
				if errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	all.Wait()
	t.waitGone(turns)
	err := errors.Join(errs...)
	a.desk.done <- func() {
		a.desk.busy = nil
		a.conclude(ctx, t, err, time.Since(begun))
		t.done <- err
	}
}

// conclude puts the outcome on record: an edition that all workers run by is
// the app's.
func (a *app) conclude(ctx context.Context, t *task, err error, took time.Duration) {
	if t.conf != nil && err == nil && !a.desk.leaving {
		a.roster.conf = t.conf
		a.fill()
		a.watchOver(ctx)
	}
	if t.verb == spec.Reload && t.size == nil {
		a.roster.reloads = a.roster.reloads.Observe(err, took)
	}
	text := t.name() + " done in " + round(took).String()
	if err == nil {
		t.tell(status.EveryWorker, text)
	} else {
		text = t.name() + " failed: " + err.Error()
	}
	a.tools.journal.note(status.Event{App: a.name, Instance: status.EveryWorker, Kind: t.name(), Text: text})
	a.publish()
}

// fill gives an app that does not run the number of workers that it is to have.
func (a *app) fill() {
	if len(a.crew.hands) > 0 {
		return
	}
	for len(a.roster.workers) < a.roster.conf.Instances {
		a.recruit(a.roster.conf)
	}
	for len(a.roster.workers) > a.roster.conf.Instances {
		a.discharge(a.roster.workers[len(a.roster.workers)-1])
	}
}

func round(d time.Duration) time.Duration {
	if d > 10*time.Second {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}

// renewOne gives one worker its renewal and waits for the answer.
func (t *task) renewOne(j *turn) error {
	before := j.worker.published.Load().Worker
	err := j.hand()
	if err != nil && j.sent && j.renewal.rolling && j.renewal.conf.ReloadFallback {
		t.tell(before.Instance, "not replaced, so restarted: "+err.Error())
		<-j.renewal.gone
		r := newRenewal(j.renewal.conf, t.reason)
		j.renewal, j.sent = r, false
		err = j.hand()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", j.worker.name, err)
	}
	after := j.worker.published.Load().Worker
	t.tell(before.Instance, news(t, before, after, time.Since(j.begun)))
	return nil
}

// hand hands the renewal over and waits for the answer.
func (j *turn) hand() error {
	if !j.sent {
		j.begun = time.Now()
		select {
		case j.worker.orders.renewals <- j.renewal:
			j.sent = true
		case <-j.over:
			return errStopped
		}
	}
	return <-j.renewal.done
}

// news is what became of a worker.
func news(t *task, before, after status.Worker, took time.Duration) string {
	if after.State == status.Stopped {
		return past(t.verb) + ", and has ended well"
	}
	pids := "pid " + strconv.Itoa(after.Pid)
	if before.Pid != 0 && before.Pid != after.Pid {
		pids = "pid " + strconv.Itoa(before.Pid) + " → " + strconv.Itoa(after.Pid)
	}
	return fmt.Sprintf("%s: %s, online after %v", past(t.verb), pids, round(took))
}

// attend waits for the first workers, which are on their way, and tells what became
// of them.
func (a *app) attend(t *task, turns []turn) {
	errs := make([]error, len(turns))
	var all sync.WaitGroup
	for i := range turns {
		all.Go(func() { errs[i] = t.renewOne(&turns[i]) })
	}
	all.Wait()
	a.desk.done <- func() {
		a.desk.opening = false
		a.crew.awaited--
		t.done <- errors.Join(errs...)
	}
}

// farewellNotice is how long the old processes may take before that is told.
const farewellNotice = time.Second

// waitGone waits for the end of all that were replaced, or failed to replace.
func (t *task) waitGone(turns []turn) {
	notice := time.NewTimer(farewellNotice)
	defer notice.Stop()
	for i, j := range turns {
		if !j.sent {
			continue
		}
		select {
		case <-j.renewal.gone:
			continue
		case <-notice.C:
			left := 0
			for _, other := range turns[i:] {
				if other.sent && !closed(other.renewal.gone) {
					left++
				}
			}
			t.tell(status.EveryWorker, strconv.Itoa(left)+" to finish what they serve")
		}
		<-j.renewal.gone
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// resize changes how many workers there are: new ones start at once, and the
// newest go first. At least one stays.
func (a *app) resize(ctx context.Context, t *task) error {
	n := t.size.Workers
	if t.size.Relative {
		n += len(a.roster.workers)
	}
	switch {
	case n < 1:
		return fmt.Errorf("at least one worker stays: app %s has %d; to stop it, there is gorun stop %[1]s", a.name, len(a.roster.workers))
	case a.roster.phase != running:
		return fmt.Errorf("app %s does not run; start it first", a.name)
	}
	if err := a.reserve(t); err != nil {
		return err
	}
	conf := *a.roster.conf
	conf.Instances = n
	a.roster.conf = &conf
	now := len(a.roster.workers)
	a.tools.journal.note(status.Event{App: a.name, Instance: status.EveryWorker, Kind: "scale", Text: fmt.Sprintf("scale from %d to %d", now, n)})
	if n > now {
		a.growTo(ctx, t, n)
	} else {
		a.shrinkTo(t, n)
	}
	return nil
}

func (a *app) growTo(ctx context.Context, t *task, n int) {
	var turns []turn
	for len(a.roster.workers) < n {
		w := a.recruit(a.roster.conf)
		turns = append(turns, a.wake(w, newRenewal(a.roster.conf, t.reason)))
	}
	a.publish()
	go a.roll(ctx, t, turns, len(turns))
}

func (a *app) shrinkTo(t *task, n int) {
	var hands []*hand
	for _, w := range slices.Clone(a.roster.workers[n:]) {
		h := a.crew.hands[w]
		if h == nil {
			a.discharge(w)
			continue
		}
		h.discharged = true
		h.stop()
		hands = append(hands, h)
	}
	go func() {
		for _, h := range hands {
			<-h.over
		}
		t.tell(status.EveryWorker, plural(n, "worker")+" left")
		a.desk.done <- func() {
			a.desk.busy = nil
			t.done <- nil
		}
	}()
}
