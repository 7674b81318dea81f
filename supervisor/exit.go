package supervisor

import (
	"fmt"
	"math"
	"strconv"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/status"
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
func (w *worker) outcome(st reaper.Status, end ended, asked unix.Signal) status.Outcome {
	code := st.ExitCode()
	switch {
	case end.cause != died && end.forced && st.Signal == unix.SIGKILL:
		return status.Killed
	case code == codeOfKill && w.tools.ranOutOfMemory(end.victims):
		return status.OutOfMemory
	case code == 0:
		return status.Clean
	case end.cause != died && code == 128+int(asked):
		return status.Clean
	case st.Signal != 0:
		return status.Signaled
	}
	return status.Failure
}

// describe names an exit for people.
func (t *tools) describe(st reaper.Status, outcome status.Outcome) string {
	text := strconv.Itoa(st.ExitCode())
	if st.Signal != 0 {
		text += " = " + signalName(st.Signal)
	}
	switch outcome {
	case status.OutOfMemory:
		text += ", out of memory"
		if limit := t.cgroup.MemoryLimit(); limit > 0 {
			text += ": limit " + size(limit)
		}
	case status.Killed:
		text += ", by gorun after the grace"
	case status.Clean, status.Failure, status.Signaled:
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
