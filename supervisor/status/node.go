package status

import (
	"time"
)

// Custom is a figure that an app reports by @pm2/io.
type Custom struct {
	Name, Unit string
	Value      float64
}

// Vitals is how a Node process was in the last second, as the preload has it.
type Vitals struct {
	P50, P95, P99                     float64 // of the event loop's delay, in seconds
	HeapUsed, HeapReserved, HeapLimit int64   // bytes
	Handles, Requests                 int     // that are active
}

// reports is how often the preload reports; a report may be as late as that before
// it counts as missing.
const reports = time.Second

// After is what is known so long after the report: where the next one is missing,
// the loop is late by that.
func (v Vitals) After(age time.Duration) Vitals {
	if age < 2*reports {
		return v
	}
	late := (age - reports).Seconds()
	v.P50, v.P95, v.P99 = max(v.P50, late), max(v.P95, late), max(v.P99, late)
	return v
}

// Totals is what a Node process has counted since its start.
type Totals struct {
	Delay  float64 // of the event loop, in seconds
	Ticks  uint64  // whose delay is in it
	Pause  float64 // for garbage collection, in seconds
	Pauses uint64
}

// Since is what came to the totals since some of before.
func (t Totals) Since(before Totals) Totals {
	return Totals{
		Delay: max(t.Delay-before.Delay, 0), Ticks: max(t.Ticks, before.Ticks) - before.Ticks,
		Pause: max(t.Pause-before.Pause, 0), Pauses: max(t.Pauses, before.Pauses) - before.Pauses,
	}
}

// Plus adds up two.
func (t Totals) Plus(other Totals) Totals {
	return Totals{t.Delay + other.Delay, t.Ticks + other.Ticks, t.Pause + other.Pause, t.Pauses + other.Pauses}
}
