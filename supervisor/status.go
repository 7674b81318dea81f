package supervisor

import (
	"time"

	"gorun/health"
)

// minGrace is how long an app may be without an online worker, at least, before
// that counts as a failure of the whole container.
const minGrace = 30 * time.Second

// status puts together what the app and its workers have published.
func (a *app) status() AppStatus {
	r := a.look()
	conf := r.conf
	s := AppStatus{
		Name: conf.Name, Namespace: conf.Namespace, Mode: conf.Mode.String(), Sharing: conf.Sharing.String(),
		Interpreter: conf.Interpreter, Script: conf.Script, MemoryLimit: conf.MaxMemory, ReadyMin: conf.ReadyMin,
		Desired: len(r.workers), Grace: r.grace(), Held: r.held, Completed: r.completed, Reloads: r.reloads,
		Resting: r.phase == over && !conf.Autostart && !r.served(), Parked: r.phase == parked, roster: r,
		Probe: probeOf(conf.Health), Metrics: conf.Metrics,
	}
	served := 0
	for _, w := range r.workers {
		worker := *w.published.Load()
		if l := w.link.Load(); l != nil {
			l.tell(&worker)
		}
		worker.Totals = w.counts.total()
		s.Workers = append(s.Workers, worker)
		s.Starts, s.Stops = s.Starts.Plus(worker.StartTimes), s.Stops.Plus(worker.StopTimes)
		if worker.OnlineOnce {
			served++
		}
		if worker.State == Stopped && worker.LastExit != nil {
			s.Desired-- // it has done its work, or somebody has stopped it
		}
	}
	s.EverReady = served >= max(conf.ReadyMin, 1) || s.Resting || s.Completed
	switch r.phase {
	case parked:
		s.Desired = 0
	case over:
		s.Desired = s.count(Errored)
	case waiting, running:
	}
	if s.Desired > 0 {
		s.ReadySince, s.DownSince = readiness(s.Workers)
	}
	return s
}

// probeOf names the way of a health check.
func probeOf(check *health.Check) string {
	switch {
	case check == nil:
		return ""
	case check.HTTP != nil:
		return "http"
	case check.TCP != nil:
		return "tcp"
	}
	return "exec"
}

// served tells whether a worker was ever started.
func (r *roster) served() bool {
	for _, w := range r.workers {
		if !w.published.Load().Born.IsZero() {
			return true
		}
	}
	return false
}

// grace is how long the app may be without an online worker. A pause that its
// restart policy may make takes at most half of it.
func (r *roster) grace() time.Duration {
	return max(r.conf.ListenTimeout, 2*r.conf.Restart.LongestDelay(), minGrace)
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
