package restart

import (
	"testing"
	"time"
)

func TestL20TheDelayOfMemoryRestartsGrows(t *testing.T) {
	for _, test := range []struct{ last, over, want time.Duration }{
		{0, 0, 30 * time.Second},
		{0, 29 * time.Second, 30 * time.Second},
		{0, 30 * time.Second, 0},
		{0, time.Hour, 0},
		{30 * time.Second, time.Second, time.Minute},
		{4 * time.Minute, time.Second, 8 * time.Minute},
		{8 * time.Minute, time.Second, 10 * time.Minute},
		{10 * time.Minute, time.Second, 10 * time.Minute},
		{10 * time.Minute, time.Minute, 0},
	} {
		if got := MemoryDelay(test.last, test.over); got != test.want {
			t.Errorf("MemoryDelay(%v, %v) = %v, want %v", test.last, test.over, got, test.want)
		}
	}
}
