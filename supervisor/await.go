package supervisor

import (
	"time"

	"gorun/health"
	"gorun/supervisor/status"
)

// awaited is what a worker that has been started is to do before it counts as
// online, and what is heard of it from then on. A sign that was seen, or that
// nobody waits for, is nil.
type awaited struct {
	signs    signs
	unwell   bool          // its health check has not succeeded yet
	blind    bool          // nothing tells that it is ready but that it goes on running
	leaving  bool          // it has said that it ends
	limit    time.Duration // how long until it must be ready
	until    time.Time     // the end of that
	timer    *time.Timer   // then it is taken as online, unless it was to say so or to be found well
	watchdog *time.Timer   // runs out when it is not heard of
	guarded  bool          // it is ready, and to be heard of from then on
	process  program       // whose signs they are
}

// over tells whether the worker has done all that makes it ready.
func (a *awaited) over() bool {
	return a.signs.listening == nil && a.signs.ready == nil && !a.unwell
}

// missed names what the worker had to do and has not done in time. Not to listen
// is no failure: a worker of a queue never does.
func (a *awaited) missed() string {
	switch {
	case a.signs.ready != nil:
		return "its word that it is ready"
	case a.unwell:
		return "a health check that succeeds"
	}
	return ""
}

func (a *awaited) note(r health.Result) {
	if r.Condition == health.Healthy {
		a.unwell = false
	}
}

// suffices drops the wait for a socket: something better has told.
func (a *awaited) suffices() { a.signs.listening = nil }

// allow gives it so much time from now.
func (a *awaited) allow(d time.Duration) {
	a.until = time.Now().Add(d)
	a.timer.Reset(d)
}

// prolong gives it so much time from now, but never less than it had.
func (a *awaited) prolong(d time.Duration) {
	if time.Until(a.until) < d {
		a.allow(d)
	}
}

func (a *awaited) stop() {
	a.timer.Stop()
	a.watchdog.Stop()
}

// follow goes on with another process of the worker, which is ready; it may
// still be the same.
func (a *awaited) follow(l life) {
	same := l.program == a.process
	a.process, a.leaving = l.program, a.leaving && same
	a.guard(l) // nobody has listened meanwhile
	if same {
		return
	}
	a.signs = l.door.signs()
	a.signs.listening, a.signs.ready = nil, nil
}

// await begins to wait for a process that was started.
func (w *worker) await(l life) *awaited {
	a := &awaited{process: l.program, signs: l.door.signs(), unwell: w.app.Health != nil, limit: w.app.ListenTimeout}
	if !w.app.WaitReady {
		a.signs.ready = nil
	}
	if a.unwell {
		a.limit = max(a.limit, w.app.Health.StartPeriod)
	} else if a.signs.listening == nil && a.signs.ready == nil {
		a.signs.listening, a.blind, a.limit = make(chan struct{}), true, settling
	}
	a.timer, a.until, a.watchdog = time.NewTimer(a.limit), time.Now().Add(a.limit), time.NewTimer(time.Hour)
	a.watchdog.Stop() // until it is ready
	return a
}

// guard begins to wait for the process to say that it is alive, if it is to.
func (a *awaited) guard(l life) {
	a.watchdog.Stop()
	if l.app.Watchdog > 0 && a.guarded && !a.leaving {
		a.watchdog.Reset(l.app.Watchdog)
	}
}

// silent ends a process that has not been heard of.
func (w *worker) silent(l life) *ended {
	w.tools.log.Error("worker has not said that it is alive", "worker", w.name, "watchdog", l.app.Watchdog)
	return &ended{cause: misbehaved, reason: status.ByWatchdog}
}

// partWith takes a process that has said that it ends out of the steering, and
// leaves it the time of a stop to do so.
func (w *worker) partWith(l life, a *awaited) {
	if a.leaving {
		return
	}
	w.tools.log.Info("worker has said that it ends", "worker", w.name)
	a.leaving = true
	a.guard(l)
	a.allow(l.app.KillTimeout)
	l.door.offline()
	w.status.Ready = false
	w.publish()
}

// tooLate ends a process that was to do more until now than to listen.
func (w *worker) tooLate(a *awaited) *ended {
	if a.leaving {
		w.tools.log.Error("worker has said that it ends, and has not", "worker", w.name, "kill_timeout", w.app.KillTimeout)
		return &ended{cause: misbehaved, reason: status.ByExit}
	}
	if why := a.missed(); why != "" && w.status.State == status.Launching {
		w.tools.log.Error("worker not ready in time", "worker", w.name, "listen_timeout", a.limit, "missing", why)
		return &ended{cause: misbehaved, reason: status.ByExit, late: true}
	}
	a.signs.listening = nil
	return nil
}

// judge puts a result of the health check on record, and ends a worker that is
// to be restarted for it. One that is only to be taken out of the steering comes
// back when it recovers.
func (w *worker) judge(l life, r health.Result) *ended {
	w.status.Probe = w.status.Probe.Observe(status.Check{OK: r.OK, Text: r.Text, Took: r.Duration})
	defer w.publish()
	unhealthy := r.Condition == health.Unhealthy
	if w.status.State != status.Online || unhealthy != w.status.Ready {
		return nil
	}
	w.status.Ready = !unhealthy
	if !unhealthy {
		w.tools.log.Info("worker has recovered", "worker", w.name)
		l.door.online()
		return nil
	}
	l.door.offline()
	w.tools.log.Error("worker is unhealthy", "worker", w.name, "check", r.Text, "on_failure", l.app.Health.OnFailure)
	if l.app.Health.OnFailure == health.Unready {
		return nil
	}
	return &ended{cause: misbehaved, reason: status.ByHealth}
}
