package health

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestJudge feeds one check a second: + succeeds, - fails. What comes out: ? is
// unknown, H healthy, U unhealthy.
func TestJudge(t *testing.T) {
	tests := []struct {
		name          string
		retries       int
		start         time.Duration
		checks, comes string
	}{
		{"well at once", 3, 5 * time.Second, "+", "H"},
		{"failures within the start period do not count", 3, 5 * time.Second, "-----", "?????"},
		{"after it they do", 3, 5 * time.Second, "--------+", "???????UH"},
		{"the first success ends it", 3, 5 * time.Second, "-+---", "?HHHU"},
		{"failures in a row count", 3, 0, "+--+--+---", "HHHHHHHHHU"},
		{"no start period", 3, 0, "---", "??U"},
		{"it stays unhealthy", 2, 0, "-----", "?UUUU"},
		{"one success recovers", 2, 0, "+--+--", "HHUHHU"},
		{"one failure is enough", 1, 0, "+-+-", "HUHU"},
		{"never well", 1, 2 * time.Second, "----", "??UU"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			started := time.Unix(1000, 0)
			judge := newJudge(Check{Retries: test.retries, StartPeriod: test.start}, started)
			var got strings.Builder
			for i, check := range test.checks {
				err := map[rune]error{'-': errors.New("sick")}[check]
				got.WriteByte("?HU"[judge.next(started.Add(time.Duration(i)*time.Second), err)])
			}
			if got.String() != test.comes {
				t.Errorf("%s comes to %s, want %s", test.checks, got.String(), test.comes)
			}
		})
	}
}
