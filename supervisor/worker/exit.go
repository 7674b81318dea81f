package worker

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/invocation"
	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/status"
)

// end is how an invocation came to its end, as the restart policy and people see it.
type end struct {
	invocation.End
	reason status.Reason // of the restart that it brings
	late   bool          // it was not ready in time
	exit   restart.Exit
}

// codeOfKill is what SIGKILL comes to. A shell or npm passes it on as its own
// code when its child was killed.
const codeOfKill = 128 + int(unix.SIGKILL)

// recordEnd puts an end on record, once nothing of the process is left.
func (w *Worker) recordEnd(i *invocation.Invocation, ended *end) {
	if w.previous != nil {
		w.previous.AbandonOutput()
	}
	w.previous = i
	exit := status.Exit{Code: ended.Status.ExitCode(), At: ended.At, Uptime: ended.At.Sub(i.Started())}
	exit.Outcome = w.outcome(ended.End, i.Spec().StopSignal)
	exit.Text = describe(ended.Status, exit.Outcome, w.deps.Cgroup.MemoryLimit())
	w.status.LastExit = &exit
	w.status.Exits[exit.Outcome]++
	if ended.Took > 0 {
		w.status.StopTimes = w.status.StopTimes.Observe(ended.Took)
	}
	if ended.Forced {
		w.status.ForcedKills++
	}
	w.invocation.CompareAndSwap(i, nil)
	if p := i.Process(); p != nil {
		w.cpu.end(p, ended.Status.CPU)
	}
	if path := i.Spec().PIDFile(w.status.Instance); path != "" {
		if err := process.RemovePIDFile(path, ended.Pid); err != nil {
			w.deps.Log.Warn("cannot remove pid_file", "worker", w.name, "error", err)
		}
	}
	ended.exit = restart.Exit{
		Code: ended.Status.Code, Signaled: ended.Status.Signal != 0 || ended.Cause != invocation.Died, Failed: ended.late, Uptime: ended.Ran,
	}
}

// notStarted puts on record that a program could not be executed.
func (w *Worker) notStarted(err error) end {
	code := process.CodeOf(err)
	now := time.Now()
	w.status.LastExit = &status.Exit{Code: code, Outcome: status.Failure, Text: strconv.Itoa(code) + " = " + err.Error(), At: now}
	w.status.LastError = err.Error()
	w.status.Exits[status.Failure]++
	return end{End: invocation.End{Cause: invocation.Died, At: now}, reason: status.ByExit, exit: restart.Exit{Code: code, Failed: true}}
}

// outcome sorts an exit. What gorun's stop signal ends has ended well, and so has a
// program that catches it and exits with its number as a shell does, as Java does.
func (w *Worker) outcome(ended invocation.End, asked unix.Signal) status.Outcome {
	code := ended.Status.ExitCode()
	switch {
	case ended.Cause != invocation.Died && ended.Forced && ended.Status.Signal == unix.SIGKILL:
		return status.Killed
	case code == codeOfKill && w.deps.OOM.explains(ended.Kills):
		return status.OutOfMemory
	case code == 0:
		return status.Clean
	case ended.Cause != invocation.Died && code == 128+int(asked):
		return status.Clean
	case ended.Status.Signal != 0:
		return status.Signaled
	}
	return status.Failure
}

// describe names an exit for people; limit is gorun's memory limit in bytes, or 0.
func describe(exit reaper.Status, outcome status.Outcome, limit int64) string {
	text := strconv.Itoa(exit.ExitCode())
	if exit.Signal != 0 {
		text += " = " + process.SignalName(exit.Signal)
	}
	switch outcome {
	case status.OutOfMemory:
		text += ", out of memory"
		if limit > 0 {
			text += ": limit " + status.Bytes(limit)
		}
	case status.Killed:
		text += ", by gorun after the grace"
	case status.Clean, status.Failure, status.Signaled:
	}
	return text
}
