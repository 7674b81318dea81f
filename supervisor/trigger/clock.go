package trigger

import (
	"context"
	"time"
)

// longestWait bounds how late a schedule notices that the wall clock went on
// without the timers, as it does while the machine is suspended.
const longestWait = time.Minute

// Run calls fire at each time until ctx ends or no time is left. Times missed
// while the machine slept or fire was busy count once.
func (s Schedule) Run(ctx context.Context, fire func()) {
	d := diary{schedule: s}
	for ctx.Err() == nil {
		fires, wait := d.look(time.Now())
		switch {
		case fires:
			fire()
			continue
		case wait == 0:
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// diary remembers which time comes next, whatever the wall clock does.
type diary struct {
	schedule Schedule
	due      time.Time // zero before the first look
	seen     time.Time // the clock at the last look
}

// look tells whether a time has come, and else how long to wait before looking
// again; no wait means that there is nothing to wait for.
func (d *diary) look(now time.Time) (fires bool, wait time.Duration) {
	now = now.Round(0) // Compare wall clocks: the monotonic one does not see a jump.
	// A clock set back a little must not bring a time round again; one that was
	// far ahead must not silence the schedule until it gets there.
	if d.due.IsZero() || now.Before(d.seen.Add(-longestWait)) {
		d.due = d.schedule.Next(now)
	}
	d.seen = now
	if d.due.IsZero() {
		return false, 0
	}
	if now.Before(d.due) {
		return false, min(d.due.Sub(now), longestWait)
	}
	d.due = d.schedule.Next(now)
	return true, 0
}
