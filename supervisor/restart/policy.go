// Package restart decides what follows the end of a worker: rest, another try
// after a delay, or giving up. It is pure: no clock, no goroutine, no I/O. How long a
// run took comes with its Exit; the worker waits out the delay of the Decision.
package restart

import (
	"math/rand/v2"
	"slices"
	"time"
)

// DefaultFailureUptime is how long a program has to run until its failure is one of its
// own and not one more of a loop: boot and the first connection to a database take seconds.
const DefaultFailureUptime = 30 * time.Second

// Verdict is what the policy decides after an exit.
type Verdict int

// The verdicts.
const (
	// LeaveStopped leaves the worker stopped.
	LeaveStopped Verdict = iota
	// Retry starts the worker again after the decision's delay.
	Retry
	// GiveUp leaves the worker errored: it failed too often in a row.
	GiveUp
)

// Policy decides when a worker is started again.
type Policy struct {
	Auto          bool          // autorestart
	MaxUnstable   int           // max_restarts: unstable runs in a row that are tolerated
	MinUptime     time.Duration // min_uptime: a shorter run is unstable, however it ended
	FailureUptime time.Duration // a run that failed sooner is unstable, too; 0: min_uptime holds for it
	Delay         time.Duration // restart_delay: waited before every restart
	Backoff       time.Duration // exp_backoff_restart_delay: first delay after an unstable run; 0 = none
	MaxDelay      time.Duration // max_restart_delay: limit of the growing delay
	ErroredRetry  time.Duration // errored_retry: after giving up, another try; 0 = none
	StopCodes     []int         // stop_exit_codes: exit codes after which the worker stays stopped
}

// Exit is how one run of a worker ended.
type Exit struct {
	Code     int           // exit code; meaningless when Signaled
	Signaled bool          // ended by a signal, or asked to end: never matches StopCodes
	Failed   bool          // never became ready, or could not be started
	Uptime   time.Duration // from start to end
}

// Decision is a verdict with its delay and the count of unstable runs.
type Decision struct {
	Verdict  Verdict
	Delay    time.Duration // before the next start; with GiveUp until another try, 0: none
	Unstable int           // unstable runs in a row, this one included
}

// String says what happens next, for people.
func (d Decision) String() string {
	switch d.Verdict {
	case LeaveStopped:
		return "stays stopped"
	case GiveUp:
		return "given up: errored"
	case Retry:
	}
	if d.Delay == 0 {
		return "restart now"
	}
	return "restart in " + d.Delay.Round(time.Millisecond).String()
}

// growth and jitter shape the backoff: each delay is half as long again as the
// one before, give or take a tenth, so that a host's containers drift apart.
const (
	growth = 1.5
	jitter = 0.1
)

// Next decides what follows exit. unstable is the number of unstable runs in a row
// before it.
func (p Policy) Next(exit Exit, unstable int) Decision {
	if p.stable(exit) {
		unstable = 0
	} else {
		unstable++
	}
	switch {
	case p.Ends(exit):
		return Decision{Verdict: LeaveStopped}
	case !p.Auto:
		return Decision{Verdict: LeaveStopped, Unstable: unstable}
	case unstable > p.MaxUnstable:
		return Decision{Verdict: GiveUp, Delay: p.ErroredRetry, Unstable: unstable}
	}
	return Decision{Verdict: Retry, Delay: p.delay(p.recent(exit, unstable)), Unstable: unstable}
}

// recent is how many failures in a row the delay grows with. A run that has lasted for
// min_uptime is replaced at once if none failed shortly before it.
func (p Policy) recent(exit Exit, unstable int) int {
	if unstable > 0 && !exit.Failed && exit.Uptime >= p.MinUptime {
		return unstable - 1
	}
	return unstable
}

// Ends reports whether exit has one of the StopCodes. Death by a signal never has.
func (p Policy) Ends(exit Exit) bool {
	return !exit.Signaled && !exit.Failed && slices.Contains(p.StopCodes, exit.Code)
}

func (p Policy) stable(exit Exit) bool {
	switch {
	case exit.Failed:
		return false
	case exit.Signaled || exit.Code != 0:
		return exit.Uptime >= p.StableAfter()
	}
	return exit.Uptime >= p.MinUptime
}

// StableAfter is how long a program has to run until the unstable runs before it are
// forgotten, whatever becomes of it.
func (p Policy) StableAfter() time.Duration { return max(p.MinUptime, p.FailureUptime) }

// LongestDelay is the longest delay that Next ever returns.
func (p Policy) LongestDelay() time.Duration {
	if p.Backoff == 0 {
		return p.Delay
	}
	return max(p.Delay, p.MaxDelay)
}

// delay is the longer of restart_delay and the backoff for that many unstable
// runs in a row.
func (p Policy) delay(unstable int) time.Duration {
	if unstable == 0 || p.Backoff == 0 {
		return p.Delay
	}
	grown, limit := float64(p.Backoff), float64(p.MaxDelay)
	for n := 1; n < unstable && grown < limit; n++ {
		grown *= growth
	}
	grown = min(grown, limit) * (1 + jitter*(2*rand.Float64()-1))
	return max(p.Delay, time.Duration(min(grown, limit)))
}
