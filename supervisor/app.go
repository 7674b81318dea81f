package supervisor

import (
	"context"
	"sync/atomic"
	"time"

	"gorun/supervisor/ecosystem"
)

// minGrace is how long an app may be without an online worker, at least, before
// that counts as a failure of the whole container.
const minGrace = 30 * time.Second

// app holds the workers of one app. What is not said to be immutable belongs
// to the goroutine in run; others may read code and completed once ended is
// closed.
type app struct {
	conf    ecosystem.App // immutable
	tools   *tools        // immutable
	sharing *sharing      // immutable
	workers []*worker     // immutable
	needs   []need        // immutable
	changed chan struct{} // a worker has published something

	online chan struct{} // closed: a worker was online
	ready  chan struct{} // closed: every worker was online
	ended  chan struct{} // closed: no worker is left, and none will be started
	cancel context.CancelFunc

	code      int  // to blame the app with
	completed bool // all workers ended as they were meant to

	held atomic.Pointer[string] // why no worker was started yet; nil: they were
}

// need is an app that must have come so far before this one starts.
type need struct {
	app       *app
	condition ecosystem.Condition
}

// run starts the workers when all that the app needs is there, and returns
// when the last has ended.
func (a *app) run(ctx, kill context.Context) {
	if !a.conf.Autostart || !a.await(ctx) {
		return
	}
	codes := make(chan int, len(a.workers))
	for _, w := range a.workers {
		go func() { codes <- w.begin(ctx, kill) }()
	}
	online, ready := a.online, a.ready
	for left := len(a.workers); left > 0; {
		select {
		case <-a.changed:
			n := a.onlineOnce()
			online = closeWhen(n, 1, online)
			ready = closeWhen(n, len(a.workers), ready)
		case code := <-codes:
			left--
			if a.code == 0 {
				a.code = code
			}
		}
	}
	a.completed = a.code == 0 && ctx.Err() == nil
	a.sharing.close()
}

// onlineOnce counts the workers that were online at least once.
func (a *app) onlineOnce() int {
	n := 0
	for _, w := range a.workers {
		if w.published.Load().OnlineOnce {
			n++
		}
	}
	return n
}

// closeWhen closes the channel once n has come to the goal, and then returns nil.
func closeWhen(n, goal int, channel chan struct{}) chan struct{} {
	if channel == nil || n < goal {
		return channel
	}
	close(channel)
	return nil
}

// awaitReady waits until every worker was online once, or all ended well. It
// returns false when that can no longer be, or ctx ended.
func (a *app) awaitReady(ctx context.Context) bool {
	select {
	case <-a.ready:
		return true
	case <-a.ended:
		return a.completed || !a.conf.Autostart
	case <-ctx.Done():
		return false
	}
}

// await waits for the apps that this one needs. It returns false when one of
// them can no longer come so far, or ctx ended.
func (a *app) await(ctx context.Context) bool {
	for _, need := range a.needs {
		a.hold("waits for app " + need.app.conf.Name)
		if need.await(ctx) {
			continue
		}
		if ctx.Err() == nil {
			a.refuse(need.app)
		}
		return false
	}
	a.held.Store(nil)
	return true
}

func (a *app) hold(why string) { a.held.Store(&why) }

// refuse ends an app that cannot be started, with the code of the app to blame.
func (a *app) refuse(needed *app) {
	why := "has failed"
	if !needed.conf.Autostart {
		why = "is not started: its autostart is false"
	}
	a.hold("not started: app " + needed.conf.Name + " " + why)
	a.code = max(needed.code, 1)
	a.tools.log.Error("app not started: it depends on another one", "app", a.conf.Name, "depends_on", needed.conf.Name, "which", why)
}

// await waits for the app to come so far. What has ended meanwhile is judged
// by its end, though it may have been online.
func (n need) await(ctx context.Context) bool {
	var online <-chan struct{}
	if n.condition == ecosystem.Online {
		online = n.app.online
	}
	select {
	case <-online:
	case <-n.app.ended:
	case <-ctx.Done():
		return false
	}
	select {
	case <-n.app.ended:
		return n.app.completed
	default:
		return true
	}
}

// status puts together what the workers have published.
func (a *app) status() AppStatus {
	s := AppStatus{
		Name: a.conf.Name, Namespace: a.conf.Namespace, Mode: a.conf.Mode.String(), Sharing: a.conf.Sharing.String(),
		Interpreter: a.conf.Interpreter, Script: a.conf.Script, MemoryLimit: a.conf.MaxMemory, ReadyMin: a.conf.ReadyMin,
		Desired: len(a.workers), Grace: a.grace(), Resting: !a.conf.Autostart,
	}
	served := 0
	for _, w := range a.workers {
		worker := *w.published.Load()
		s.Workers = append(s.Workers, worker)
		s.Starts, s.Stops = s.Starts.Plus(worker.StartTimes), s.Stops.Plus(worker.StopTimes)
		if worker.OnlineOnce {
			served++
		}
		if worker.State == Stopped && worker.LastExit != nil {
			s.Desired-- // it has done its work
		}
	}
	if s.Resting {
		s.Desired = 0
	}
	s.EverReady = served >= max(a.conf.ReadyMin, 1) || s.Resting
	if why := a.held.Load(); why != nil {
		s.Held = *why
	}
	select {
	case <-a.ended:
		s.Completed = a.completed
		s.EverReady = s.EverReady || a.completed
		s.Desired = s.count(Errored)
	default:
	}
	if s.Desired > 0 {
		s.ReadySince, s.DownSince = readiness(s.Workers)
	}
	return s
}

// grace is how long the app may be without an online worker. A pause that its
// restart policy may make takes at most half of it.
func (a *app) grace() time.Duration {
	return max(a.conf.ListenTimeout, 2*a.conf.Restart.LongestDelay(), minGrace)
}

// readiness tells since when a worker is online, or since when none is: both
// zero while none has been taken up.
func readiness(workers []WorkerStatus) (ready, down time.Time) {
	for _, w := range workers {
		if w.State == Online && (ready.IsZero() || w.Since.Before(ready)) {
			ready = w.Since
		}
		left := w.LeftOnline
		if left.IsZero() {
			left = w.Born
		}
		if left.After(down) {
			down = left
		}
	}
	if !ready.IsZero() {
		return ready, time.Time{}
	}
	return time.Time{}, down
}
