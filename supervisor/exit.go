package supervisor

import (
	"fmt"
	"math"
	"strconv"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
)

// codeOfKill is what SIGKILL comes to. A shell or npm passes it on as its own
// code when its child was killed.
const codeOfKill = 128 + int(unix.SIGKILL)

// statusOf returns how the program ended. One that survived SIGKILL, in an
// uninterruptible sleep, counts as killed.
func statusOf(p program) reaper.Status {
	select {
	case <-p.Exited():
		return p.Status()
	default:
		return reaper.Status{Signal: unix.SIGKILL}
	}
}

// outcome sorts an exit. What gorun's stop signal ends has ended well, and so
// has a program that catches it and tells of it as a shell does, as Java does.
func (w *worker) outcome(status reaper.Status, end ended, asked unix.Signal) Outcome {
	code := status.ExitCode()
	switch {
	case end.cause != died && end.forced && status.Signal == unix.SIGKILL:
		return Killed
	case code == codeOfKill && w.tools.ranOutOfMemory(end.victims):
		return OutOfMemory
	case code == 0:
		return Clean
	case end.cause != died && code == 128+int(asked):
		return Clean
	case status.Signal != 0:
		return Signaled
	}
	return Failure
}

// describe names an exit for people.
func (t *tools) describe(status reaper.Status, outcome Outcome) string {
	text := strconv.Itoa(status.ExitCode())
	if status.Signal != 0 {
		text += " = " + signalName(status.Signal)
	}
	switch outcome {
	case OutOfMemory:
		text += ", out of memory"
		if limit := t.cgroup.MemoryLimit(); limit > 0 {
			text += ": limit " + size(limit)
		}
	case Killed:
		text += ", by gorun after the grace"
	case Clean, Failure, Signaled:
	}
	return text
}

func signalName(sig unix.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(sig))
}

// size writes bytes with a binary unit.
func size(bytes int64) string {
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	value, unit := float64(bytes), 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	return strconv.FormatFloat(math.Round(value*10)/10, 'f', -1, 64) + " " + units[unit]
}
