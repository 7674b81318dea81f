package record

import (
	"time"

	"gorun/supervisor/hooks"
	"gorun/supervisor/process"
	"gorun/supervisor/status"
)

// eventOf has the facts of an end for hooks.
func eventOf(ended End, exit *status.Exit) hooks.Event {
	ending := &hooks.ExitStatus{Text: exit.Text, Code: exit.Code, Tail: ended.Tail}
	if ended.Status.Signal != 0 {
		ending.Signal = process.SignalName(ended.Status.Signal)
	}
	return hooks.Event{Time: exit.At, Pid: ended.Pid, Reason: ended.Reason.String(), Exit: ending, Uptime: exit.Uptime}
}

// CountRestart counts a restart after an end.
func (r *Record) CountRestart(ended End) {
	r.restarted(ended.Reason, eventOf(ended, r.Status.LastExit))
}

// CountReplacement counts a restart whose invocation was ready before the one before it ended.
func (r *Record) CountReplacement(why status.Reason, started time.Time) {
	r.restarted(why, hooks.Event{})
	r.observeStart(started)
	r.Status.Ready = true
}

// restarted counts a restart. It is reported to the hooks once the process runs,
// unless somebody has asked for it; e has the end of the one before, if it has ended.
func (r *Record) restarted(why status.Reason, e hooks.Event) {
	r.Status.Restarts[why]++
	switch why {
	case status.ByManual, status.ByReload:
		r.notifier.pendingRestart = nil
	case status.ByExit, status.ByMemory, status.ByCron, status.ByWatch, status.ByHealth, status.ByWatchdog, status.ByRetry:
		e.Reason = why.String()
		r.notifier.pendingRestart = &e
	}
}
