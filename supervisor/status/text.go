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
