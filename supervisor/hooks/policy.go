package hooks

import (
	"net/http"
	"strconv"
	"time"
)

// verdict is what follows a try.
type verdict int

const (
	delivered verdict = iota // it has succeeded
	retry                    // the next try may succeed
	failed                   // no try will succeed
)

const (
	firstDelay = time.Second // before the second try; each later one is twice as long
	maxDelay   = time.Minute // also where a server asks for more
)

// result is the result of one try.
type result struct {
	err   error
	final bool          // another try is pointless
	delay time.Duration // that a server has asked for; 0: none
	lines []string      // last output of a command
}

// next returns what follows the try of that number, from 1, and after which delay.
func (h Hook) next(try int, r result) (verdict, time.Duration) {
	switch {
	case r.err == nil:
		return delivered, 0
	case r.final || try > h.Retries:
		return failed, 0
	}
	delay := maxDelay
	if try <= 6 { // 64 s
		delay = min(firstDelay<<(try-1), maxDelay)
	}
	return retry, min(max(delay, r.delay), maxDelay)
}

// retryable reports whether a later request may succeed after a response with status.
func retryable(status int) bool {
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// retryAfter parses a Retry-After header, see RFC 9110: seconds or a date. It is 0
// for anything else.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
