package worker

import (
	"slices"
	"time"

	"gorun/supervisor/status"
)

// enter takes the worker to another state: checks the step, logs and publishes
// it. An illegal step is gorun's bug; it is logged, and work goes on.
func (w *Worker) enter(to status.State) {
	from := w.status.State
	if !slices.Contains(status.Steps[from], to) {
		w.deps.Log.Error("illegal step: a bug of gorun", "worker", w.name, "from", from, "to", to)
	}
	w.deps.Log.Debug("worker state changed", "worker", w.name, "from", from, "to", to, "pid", w.status.Pid)
	w.deps.Record(status.Event{App: w.status.App, Instance: w.status.Instance, Kind: "state", Text: from.String() + " → " + to.String()})
	now := time.Now()
	if from == status.Online {
		w.status.LeftOnline = now
	}
	if from == status.Launching {
		w.giveUpSlot()
	}
	w.status.State, w.status.Since = to, now
	w.status.Ready = to == status.Online
	if to == status.Online {
		w.status.OnlineOnce, w.status.LeftOnline = true, time.Time{}
		w.status.StartTimes = w.status.StartTimes.Observe(now.Sub(w.status.Started))
	}
	if to != status.Online && to != status.Stopping { // no process, or not yet
		w.status.Pid, w.status.Started = 0, time.Time{}
	}
	w.publish()
}

// publish gives others a copy of what the worker's goroutine knows.
func (w *Worker) publish() {
	w.published.Store(&Published{Worker: w.status, Spec: w.spec, Update: w.update, Leaving: w.leaving.count})
	w.notify()
}
