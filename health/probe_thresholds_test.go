package health

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestThresholds checks once a second: + succeeds, - fails. The conditions: ? is
// unknown, H healthy, U unhealthy.
func TestThresholds(t *testing.T) {
	tests := []struct {
		name          string
		retries       int
		start         time.Duration
		checks, comes string
	}{
		{"healthy at once", 3, 5 * time.Second, "+", "H"},
		{"failures within the start period do not count", 3, 5 * time.Second, "-----", "?????"},
		{"after it they do", 3, 5 * time.Second, "--------+", "???????UH"},
		{"the first success ends it", 3, 5 * time.Second, "-+---", "?HHHU"},
		{"failures in a row count", 3, 0, "+--+--+---", "HHHHHHHHHU"},
		{"no start period", 3, 0, "---", "??U"},
		{"it stays unhealthy", 2, 0, "-----", "?UUUU"},
		{"one success recovers", 2, 0, "+--+--", "HHUHHU"},
		{"one failure is enough", 1, 0, "+-+-", "HUHU"},
		{"never healthy", 1, 2 * time.Second, "----", "??UU"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			started := time.Unix(1000, 0)
			thresholds := newThresholds(Check{Retries: test.retries, StartPeriod: test.start}, started)
			var got strings.Builder
			for i, check := range test.checks {
				err := map[rune]error{'-': errors.New("sick")}[check]
				got.WriteByte("?HU"[thresholds.observe(started.Add(time.Duration(i)*time.Second), err)])
			}
			if got.String() != test.comes {
				t.Errorf("%s comes to %s, want %s", test.checks, got.String(), test.comes)
			}
		})
	}
}
