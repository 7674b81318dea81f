package worker

import (
	"fmt"
	"time"

	"gorun/health"
	"gorun/supervisor/invocation"
	"gorun/supervisor/invocation/event"
	"gorun/supervisor/sockets"
	"gorun/supervisor/usage"
)

// assumedReadyAfter is how long a program must have run to count as online where nothing
// better reports that it is ready.
const assumedReadyAfter = 100 * time.Millisecond

// run is an invocation in the care of its worker, with its readiness gate: the
// conditions that it has to meet before it counts as online.
type run struct {
	*invocation.Invocation
	listen, notify, health bool // conditions that are still unmet
	explicit               bool // notify or health was one of them
	mustListen             bool // no other condition stands for listen: it replaces an invocation that has listened
	noReadinessSource      bool // nothing reports that it is ready but that it goes on running
	stopping               bool // it has sent STOPPING=1
	stoppedListening       bool // it has closed its servers
	limit                  time.Duration
	bootsUntil             time.Time     // zero: it is not asked whether it still starts up
	used                   time.Duration // of CPU, when that was asked last; negative: it was not
	until                  time.Time
	checked                string            // what the last health check found
	lacking                []sockets.Address // where it has to listen yet: it replaces one that does
}

// A program of which nobody knows whether it listens counts as online without, once it
// has had bootTime and bootWindow and has used no more than a part of a processor in the
// latter: one that works off a queue never listens, and one that starts up is busy. The
// sum is pm2's listen_timeout.
const (
	bootTime, bootWindow = 2 * time.Second, time.Second
	bootShare            = 10 // one part in so many
)

// listenHistory is what is known of whether a worker's program listens.
type listenHistory int

const (
	unknown listenHistory = iota
	listens
	neverListened
)

// newRun begins to wait for an invocation that was started. past is what earlier ones
// of the worker have done.
func newRun(i *invocation.Invocation, past listenHistory) *run {
	conf := i.Spec()
	r := &run{Invocation: i, listen: i.ReportsListening(), notify: conf.WaitReady, health: conf.Health != nil, limit: conf.ListenTimeout, used: -1}
	r.explicit = r.notify || r.health
	switch {
	case r.health:
		r.limit = max(r.limit, conf.Health.StartPeriod)
	case !r.listen && !r.notify:
		r.listen, r.noReadinessSource, r.limit = true, true, assumedReadyAfter
	case r.explicit || conf.Port != 0 || past == listens:
	case past == neverListened:
		r.limit = min(r.limit, assumedReadyAfter)
	default:
		r.bootsUntil, r.limit = i.Started().Add(r.limit), min(r.limit, bootTime)
	}
	r.setDeadline(r.limit)
	return r
}

// satisfied reports whether every condition is met.
func (r *run) satisfied() bool { return !r.listen && !r.notify && !r.health }

// unmet names what the program had to do and has not done in time; "" where it has
// only not listened. That is no failure: a worker of a queue never does.
func (r *run) unmet() string {
	switch {
	case r.notify:
		return "its ready notification (READY=1, process.send('ready'))"
	case r.health:
		return "a health check that succeeds"
	}
	return ""
}

// meet takes note of an event that may meet a condition. What is explicit stands for a
// socket, too, unless it must listen.
func (r *run) meet(e event.Event) {
	switch e.Kind {
	case event.Listening:
		r.listen = false
	case event.Ready:
		r.notify = false
	case event.Checked:
		r.checked = e.Check.Text
		if e.Check.Condition == health.Healthy {
			r.health = false
		}
	case event.Exited, event.StoppedListening, event.Alive, event.WatchdogExpired, event.Stopping, event.Extended, event.DeadlineExceeded:
	}
	if r.explicit && r.unmet() == "" && !r.mustListen {
		r.listen = false
	}
}

// setDeadline gives the program so much time from now.
func (r *run) setDeadline(d time.Duration) {
	r.until = time.Now().Add(d)
	r.SetDeadline(d)
}

// extendDeadline gives it so much time from now, but never less than it had.
func (r *run) extendDeadline(d time.Duration) {
	if time.Until(r.until) < d {
		r.setDeadline(d)
	}
}

// boots reports whether a program that has not listened seems to be starting up still, and
// gives it time until that is asked again.
func (r *run) boots() bool {
	if !r.listen || !time.Now().Before(r.bootsUntil) {
		return false
	}
	used, first := time.Duration(0), r.used < 0
	if p := r.Process(); p != nil {
		used = usage.Of(p.Members()).CPU
	}
	busy := used-r.used >= bootWindow/bootShare
	if r.used = used; first || busy {
		r.setDeadline(bootWindow)
		return true
	}
	return false
}

// outOfTime reports whether its time is over: an event may come from before it was
// given more.
func (r *run) outOfTime() bool { return !time.Now().Before(r.until) }

// missing is what it had to do, with the reason of the last health check that failed.
func (r *run) missing() string {
	what := r.unmet()
	if what == "" {
		what = "a socket that it listens on"
		for i, address := range r.lacking {
			what += []string{": ", ", "}[min(i, 1)] + address.String()
		}
	}
	if r.checked == "" {
		return what
	}
	return what + ": " + r.checked
}

// lateError is the error of a program that was not ready in time.
func (r *run) lateError() error {
	return fmt.Errorf("%w within its listen_timeout of %v: missing %s", errNotReady, r.limit, r.missing())
}
