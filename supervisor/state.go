package supervisor

import (
	"slices"
	"time"
)

// steps is the table of legal steps: what may follow each state.
var steps = map[State][]State{
	Stopped:        {Launching},
	Errored:        {Launching},
	Launching:      {Online, Stopping, WaitingRestart, Stopped, Errored},
	Online:         {Stopping, WaitingRestart, Stopped, Errored},
	Stopping:       {Stopped, Launching, WaitingRestart, Errored},
	WaitingRestart: {Launching, Stopped},
}

// enter takes the worker to another state: checks the step, logs and publishes
// it. An illegal step is gorun's bug; it is logged, and work goes on.
func (w *worker) enter(to State) {
	from := w.status.State
	if !slices.Contains(steps[from], to) {
		w.tools.log.Error("illegal step, a bug of gorun", "worker", w.name, "from", from, "to", to)
	}
	w.tools.log.Debug("worker state changed", "worker", w.name, "from", from, "to", to, "pid", w.status.Pid)
	w.tools.journal.note(Event{App: w.status.App, Instance: w.status.Instance, Kind: "state", Text: from.String() + " → " + to.String()})
	now := time.Now()
	if from == Online {
		w.status.LeftOnline = now
	}
	if from == Launching {
		w.giveUpSlot()
	}
	w.status.State, w.status.Since = to, now
	w.status.Ready = to == Online
	if to == Online {
		w.status.OnlineOnce, w.status.LeftOnline = true, time.Time{}
		w.status.StartTimes = w.status.StartTimes.Observe(now.Sub(w.status.Started))
	}
	if to != Online && to != Stopping { // no process, or not yet
		w.status.Pid, w.status.Started = 0, time.Time{}
	}
	w.publish()
}

// publish gives others a copy of what the worker's goroutine knows.
func (w *worker) publish() {
	status := w.status
	status.app = w.app
	w.published.Store(&status)
	select {
	case w.changed <- struct{}{}:
	default: // a change that nobody has looked at yet covers this one
	}
}
