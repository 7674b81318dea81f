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
	t := timer{schedule: s}
	for ctx.Err() == nil {
		fires, wait := t.check(time.Now())
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

// timer knows which time of its schedule comes next, whatever the wall clock does.
type timer struct {
	schedule Schedule
	next     time.Time // zero before the first check
	last     time.Time // the clock at the last check
}

// check reports whether a time has come, and if not, how long to wait before the
// next check; no wait means that no time is left.
func (t *timer) check(now time.Time) (fires bool, wait time.Duration) {
	now = now.Round(0) // Compare wall clocks: the monotonic one does not see a jump.
	// A clock set back a little must not bring a time round again; one that was
	// far ahead must not silence the schedule until it gets there.
	if t.next.IsZero() || now.Before(t.last.Add(-longestWait)) {
		t.next = t.schedule.Next(now)
	}
	t.last = now
	if t.next.IsZero() {
		return false, 0
	}
	if now.Before(t.next) {
		return false, min(t.next.Sub(now), longestWait)
	}
	t.next = t.schedule.Next(now)
	return true, 0
}
