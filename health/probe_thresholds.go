package health

import "time"

// Condition is the health of a worker by its checks so far.
type Condition int

// The conditions.
const (
	Unknown   Condition = iota // no check has succeeded yet
	Healthy                    // a check succeeded, and not too many have failed since
	Unhealthy                  // too many checks in a row failed
)

// String returns the condition as a word.
func (c Condition) String() string { return [...]string{"unknown", "healthy", "unhealthy"}[c] }

// thresholds turns the results of checks into a condition.
type thresholds struct {
	retries   int
	countFrom time.Time // failures of checks that began before do not count, until one succeeds
	failures  int       // in a row
	condition Condition
}

func newThresholds(c Check, started time.Time) thresholds {
	return thresholds{retries: c.Retries, countFrom: started.Add(c.StartPeriod)}
}

// observe adds the result of a check that began at the time. One success makes
// healthy, and the first one ends the start period.
func (t *thresholds) observe(began time.Time, err error) Condition {
	if err == nil {
		t.failures, t.condition = 0, Healthy
		return t.condition
	}
	if t.condition == Unknown && began.Before(t.countFrom) {
		return t.condition
	}
	t.failures++
	if t.failures >= t.retries {
		t.condition = Unhealthy
	}
	return t.condition
}
