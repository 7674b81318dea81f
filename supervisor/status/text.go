package status

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes is a number of bytes for people, in three digits or four: 45.3 MiB,
// 512 MiB. A whole number has no decimal: 64 MiB.
func Bytes(n int64) string {
	const step = 1024
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	value, unit := float64(max(n, 0)), 0
	for value >= step-.5 && unit < len(units)-1 { // what would be rounded to 1024
		value, unit = value/step, unit+1
	}
	if value < 99.95 {
		value = math.Round(value*10) / 10
	} else {
		value = math.Round(value)
	}
	return strconv.FormatFloat(value, 'f', -1, 64) + " " + units[unit]
}

// Plural is a number with its noun: 1 app, 2 apps.
func Plural[N int | uint64](n N, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "s"):
		noun += "es"
	default:
		noun += "s"
	}
	return strconv.FormatUint(uint64(n), 10) + " " + noun
}

// Round is a duration as exact as people want it: to milliseconds, and to seconds
// above ten of them.
func Round(d time.Duration) time.Duration {
	if d > 10*time.Second {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}

// Clock is a time that is to come, for people, in the zone of now: 17:23, with the
// seconds where there are any, and the day unless it is today.
func Clock(t, now time.Time) string {
	t = t.In(now.Location())
	text := t.Format("15:04")
	if t.Second() != 0 {
		text = t.Format("15:04:05")
	}
	const week = 6 * 24 * time.Hour
	switch {
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return text
	case t.Sub(now) < week:
		return t.Format("Mon ") + text
	}
	return t.Format("2006-01-02 ") + text
}

// wait is how long something is still to come, for people: in whole seconds, rounded up.
func wait(d time.Duration) string {
	d = max(d+time.Second-1, 0).Truncate(time.Second)
	if d < 2*time.Minute {
		return strconv.Itoa(int(d.Seconds())) + " s"
	}
	return strconv.Itoa(int((d + time.Minute - 1).Minutes())) + " min"
}

// loopLength is how many unstable runs in a row are a crash loop. One is a crash.
const loopLength = 2

// CrashLooping reports whether the worker is started again and again, as each run ends
// before it counts as stable.
func (w Worker) CrashLooping() bool {
	switch w.State {
	case Launching, Online, WaitingRestart:
		return w.Unstable >= loopLength && !w.FailingSince.IsZero()
	case Stopped, Stopping, Errored:
	}
	return false
}

// NextStart is when the pending restart comes, or one that is errored is tried again;
// zero: none is pending.
func (w Worker) NextStart() time.Time {
	if w.State != WaitingRestart && w.State != Errored || w.Backoff == 0 {
		return time.Time{}
	}
	return w.Since.Add(w.Backoff)
}

// Outlook is what comes next of a worker that is crash looping, for people.
func (w Worker) Outlook(now time.Time) string {
	if next := w.NextStart(); !next.IsZero() {
		return "crash looping, next start in " + wait(next.Sub(now))
	}
	return "crash looping, started again"
}

// loop is the outlook with the last exit.
func (w Worker) loop(now time.Time) string {
	text := w.Outlook(now)
	if w.LastExit != nil {
		text += ", last exit " + w.LastExit.Text
	}
	return text
}

// Change says what became of a worker that was started or replaced, for people: what it
// was before, and how long that took.
func (w Worker) Change(before Worker, took time.Duration) string {
	if w.State == Stopped {
		return ", and has ended well"
	}
	pids := "pid " + strconv.Itoa(w.Pid)
	if before.Pid != 0 && before.Pid != w.Pid {
		pids = "pid " + strconv.Itoa(before.Pid) + " → " + strconv.Itoa(w.Pid)
	}
	return ": " + pids + ", online after " + Round(took).String()
}
