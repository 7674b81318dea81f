package restart

import "time"

// The delays of restarts for memory.
const (
	soonOver         = 30 * time.Second // a run that is over its limit by then cannot do with less
	firstMemoryDelay = 30 * time.Second
	maxMemoryDelay   = 10 * time.Minute
)

// MemoryDelay is how old the next run has to become until it may be restarted for its
// memory. last was that of the present one, which is restarted for its memory; over is
// the age at which it had passed its limit. Where that is soon after the start, again and
// again, the limit is less than what the program needs, and a restart helps nobody.
func MemoryDelay(last, over time.Duration) time.Duration {
	switch {
	case over >= soonOver:
		return 0
	case last == 0:
		return firstMemoryDelay
	}
	return min(2*last, maxMemoryDelay)
}
