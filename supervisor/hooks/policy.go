package hooks

import (
	"net/http"
	"strconv"
	"time"
)

// verdict is what follows a try.
type verdict int

const (
	told  verdict = iota // it has succeeded
	retry                // it may succeed the next time
	lost                 // it will not
)

const (
	firstPause   = time.Second // before the second try; each is twice the one before
	longestPause = time.Minute // also where a server asks for more
)

// outcome is how a try came out.
type outcome struct {
	err   error
	final bool          // to try again is no use
	pause time.Duration // that a server has asked for; 0: none
	lines []string      // the last words of a command
}

// next tells what follows the try of that number, from 1, and after how long.
func (h Hook) next(try int, o outcome) (verdict, time.Duration) {
	switch {
	case o.err == nil:
		return told, 0
	case o.final || try > h.Retries:
		return lost, 0
	}
	pause := longestPause
	if try <= 6 { // 64 s
		pause = min(firstPause<<(try-1), longestPause)
	}
	return retry, min(max(pause, o.pause), longestPause)
}

// mayPass tells whether a server that answered so may answer otherwise later.
func mayPass(status int) bool {
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// asked reads Retry-After, see RFC 9110: seconds or a date. What is neither asks
// for nothing.
func asked(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
