package app

import (
	"slices"
	"time"

	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// minGrace is how long an app may be without an online worker, at least, before
// that counts as a failure of the whole container.
const minGrace = 30 * time.Second

// Status is what the app has published with what its workers have by now.
func (p *Published) Status() status.App {
	conf := p.Spec
	s := status.App{
		Name: conf.Name, Namespace: conf.Namespace, Mode: conf.Mode.String(), Sharing: conf.Sharing.String(),
		Interpreter: conf.Interpreter, Script: conf.Script, ScriptPath: conf.ScriptPath(), MemoryLimit: conf.MaxMemory, ReadyMin: conf.ReadyMin,
		Desired: len(p.Workers), Grace: p.grace(), Blocked: p.Blocked, Completed: p.Completed, Reloads: p.Reloads,
		NotStarted: p.Phase == Ended && !conf.Autostart && !p.everStarted(), StoppedByOperator: p.Phase == Stopped,
		Probe: conf.Health.Kind(),
	}
	s.Scheduled = conf.Cron != "" && !conf.Restart.Auto
	if p.AwaitsSchedule() {
		s.NextRun = p.schedule.Next(time.Now())
	}
	served := 0
	for _, w := range p.Workers {
		one := w.Status()
		s.Workers = append(s.Workers, one)
		s.Starts, s.Stops = s.Starts.Plus(one.StartTimes), s.Stops.Plus(one.StopTimes)
		if one.OnlineOnce {
			served++
		}
		if one.State == status.Stopped && one.LastExit != nil {
			s.Desired-- // it has done its work, or somebody has stopped it
		}
	}
	s.EverReady = served >= max(conf.ReadyMin, 1) || s.NotStarted || s.Completed
	switch p.Phase {
	case Stopped:
		s.Desired = 0
	case Ended:
		s.Desired = s.Count(status.Errored)
	case Waiting, Running:
	}
	if s.Desired > 0 {
		s.ReadySince, s.DownSince = s.Readiness()
	}
	return s
}

// AwaitsSchedule reports whether the app is at rest until its schedule starts it.
func (p *Published) AwaitsSchedule() bool {
	return p.Phase == Ended && p.Spec.Cron != "" && p.Blocked == "" && !slices.ContainsFunc(p.Workers, func(w *worker.Worker) bool {
		return w.Published().State == status.Errored
	})
}

// everStarted reports whether a worker was ever started.
func (p *Published) everStarted() bool {
	return slices.ContainsFunc(p.Workers, func(w *worker.Worker) bool { return !w.Published().FirstStarted.IsZero() })
}

// grace is how long the app may be without an online worker. A pause that its
// restart policy may make takes at most half of it.
func (p *Published) grace() time.Duration {
	return max(p.Spec.ListenTimeout, 2*p.Spec.Restart.LongestDelay(), minGrace)
}
