package health

import "time"

// Condition is what the checks so far say of a worker.
type Condition int

// The conditions.
const (
	Unknown   Condition = iota // not well yet, and not for too long
	Healthy                    // it has answered, and has not failed too often since
	Unhealthy                  // it failed too often in a row
)

// String returns the condition as a word.
func (c Condition) String() string { return [...]string{"unknown", "healthy", "unhealthy"}[c] }

// judge turns results into a condition.
type judge struct {
	retries   int
	countsAt  time.Time // failures of checks that began before do not count, until one succeeds
	fails     int       // in a row
	condition Condition
}

func newJudge(c Check, started time.Time) judge {
	return judge{retries: c.Retries, countsAt: started.Add(c.StartPeriod)}
}

// next takes the result of a check that began at the time. One success makes
// healthy, and the first one ends the start period.
func (j *judge) next(began time.Time, err error) Condition {
	if err == nil {
		j.fails, j.condition = 0, Healthy
		return j.condition
	}
	if j.condition == Unknown && began.Before(j.countsAt) {
		return j.condition
	}
	j.fails++
	if j.fails >= j.retries {
		j.condition = Unhealthy
	}
	return j.condition
}
