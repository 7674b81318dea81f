package supervisor

import (
	"time"

	"gorun/health"
	"gorun/supervisor/status"
)

// minGrace is how long an app may be without an online worker, at least, before
// that counts as a failure of the whole container.
const minGrace = 30 * time.Second

func (a *app) status() status.App { return a.look().status() }

// status puts together what the app has published and its workers have by now.
func (r *roster) status() status.App {
	conf := r.conf
	s := status.App{
		Name: conf.Name, Namespace: conf.Namespace, Mode: conf.Mode.String(), Sharing: conf.Sharing.String(),
		Interpreter: conf.Interpreter, Script: conf.Script, MemoryLimit: conf.MaxMemory, ReadyMin: conf.ReadyMin,
		Desired: len(r.workers), Grace: r.grace(), Blocked: r.held, Completed: r.completed, Reloads: r.reloads,
		Resting: r.phase == over && !conf.Autostart && !r.served(), StoppedByOperator: r.phase == parked,
		Probe: probeOf(conf.Health),
	}
	served := 0
	for _, w := range r.workers {
		worker := w.published.Load().Worker
		if l := w.link.Load(); l != nil {
			l.tell(&worker)
		}
		worker.Totals = w.counts.total()
		s.Workers = append(s.Workers, worker)
		s.Starts, s.Stops = s.Starts.Plus(worker.StartTimes), s.Stops.Plus(worker.StopTimes)
		if worker.OnlineOnce {
			served++
		}
		if worker.State == status.Stopped && worker.LastExit != nil {
			s.Desired-- // it has done its work, or somebody has stopped it
		}
	}
	s.EverReady = served >= max(conf.ReadyMin, 1) || s.Resting || s.Completed
	switch r.phase {
	case parked:
		s.Desired = 0
	case over:
		s.Desired = s.Count(status.Errored)
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
		if !w.published.Load().FirstStarted.IsZero() {
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
func readiness(workers []status.Worker) (ready, down time.Time) {
	for _, w := range workers {
		if w.State == status.Online && (ready.IsZero() || w.Since.Before(ready)) {
			ready = w.Since
		}
		left := w.LeftOnline
		if left.IsZero() {
			left = w.FirstStarted
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
