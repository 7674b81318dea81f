package record

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/invocation"
	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
)

// End is how an invocation came to its end, as the restart policy and people see it.
type End struct {
	invocation.End
	Reason   status.Reason // of the restart that it brings
	NotReady error         // it was not ready in time, and why; nil: it was
	exit     restart.Exit
}

// codeOfKill is what SIGKILL comes to. A shell or npm passes it on as its own
// code when its child was killed.
const codeOfKill = 128 + int(unix.SIGKILL)

// End records the end of an invocation, once nothing of its process is left. Output of
// the one before is handed on no longer than it has to be.
func (r *Record) End(i *invocation.Invocation, ended *End) {
	if r.previous != nil {
		r.previous.AbandonOutput()
	}
	r.previous = i
	exit := status.Exit{Code: ended.Status.ExitCode(), At: ended.At, Uptime: ended.At.Sub(i.Started())}
	exit.Outcome = outcomeOf(ended.End, i.Spec().StopSignal, r.deps.OOM)
	exit.Text = describe(ended.Status, exit.Outcome, r.deps.Cgroup.MemoryLimit())
	r.Status.LastExit = &exit
	r.Status.Exits[exit.Outcome]++
	if ended.NotReady != nil {
		r.Status.LastError = ended.NotReady.Error()
	}
	if ended.StopTime > 0 {
		r.Status.StopTimes = r.Status.StopTimes.Observe(ended.StopTime)
	}
	if ended.Forced {
		r.Status.ForcedKills++
	}
	r.cpu.end(i, ended.Status.CPU)
	r.notifier.removePIDFile(i, ended.Pid)
	ended.exit = restart.Exit{
		Code: ended.Status.Code, Signaled: ended.Status.Signal != 0 || ended.Cause != invocation.Died, Failed: ended.NotReady != nil, Uptime: ended.Uptime,
	}
}

// FailStart records that a program could not be executed.
func (r *Record) FailStart(err error) End {
	code := process.CodeOf(err)
	now := time.Now()
	r.Status.LastExit = &status.Exit{Code: code, Outcome: status.Failure, Text: strconv.Itoa(code) + " = " + err.Error(), At: now}
	r.Status.LastError = err.Error()
	r.FailReplacement()
	return End{End: invocation.End{Cause: invocation.Died, At: now}, Reason: status.ByExit, exit: restart.Exit{Code: code, Failed: true}}
}

// FailReplacement records that a program could not be executed, while another serves.
func (r *Record) FailReplacement() { r.Status.Exits[status.Failure]++ }

// Next asks the restart policy what follows an end.
func (r *Record) Next(policy restart.Policy, ended End) restart.Decision {
	decision := policy.Next(ended.exit, r.Status.Unstable)
	s := &r.Status
	s.Unstable, s.Backoff = decision.Unstable, decision.Delay
	if decision.Verdict == restart.LeaveStopped && r.ExitCode(policy, ended) != 0 {
		s.FailedRuns++
	}
	switch {
	case decision.Verdict == restart.LeaveStopped || s.Unstable == 0:
		s.FailingSince = time.Time{}
	case s.FailingSince.IsZero():
		s.FailingSince = ended.At
	}
	return decision
}

// ExitCode is the exit code of a worker that rests after an end: one that
// stop_exit_codes names is a good end, one that gorun had to bring about is none.
func (r *Record) ExitCode(policy restart.Policy, ended End) int {
	switch {
	case ended.Cause == invocation.Misbehaved:
		return max(r.Status.LastExit.Code, 1)
	case policy.Ends(ended.exit):
		return 0
	}
	return r.Status.LastExit.Code
}

// outcomeOf sorts an exit. What gorun's stop signal ends has ended well, and so has a
// program that catches it and exits with its number as a shell does, as Java does.
func outcomeOf(ended invocation.End, asked unix.Signal, oom *usage.OOMKills) status.Outcome {
	code := ended.Status.ExitCode()
	switch {
	case ended.Cause != invocation.Died && ended.Forced && ended.Status.Signal == unix.SIGKILL:
		return status.Killed
	case code == codeOfKill && oom.Explain(ended.OOMKillsBefore):
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
