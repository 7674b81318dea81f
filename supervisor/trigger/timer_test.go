package trigger

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestRunFiresAtEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now() // midnight UTC
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Hour)
		defer cancel()
		var got []time.Duration
		parse(t, "CRON_TZ=UTC 30 3 * * *").Run(ctx, func() { got = append(got, time.Since(start)) })
		want := []time.Duration{3*time.Hour + 30*time.Minute, 27*time.Hour + 30*time.Minute}
		if !slices.Equal(got, want) {
			t.Errorf("fired after %v, want %v", got, want)
		}
		if ended := time.Since(start); ended != 50*time.Hour {
			t.Errorf("Run ended after %v, want 50h", ended)
		}
	})
}

func TestTimesMissedInFireCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Minute+time.Second)
		defer cancel()
		var got []time.Duration
		parse(t, "CRON_TZ=UTC * * * * *").Run(ctx, func() {
			if got = append(got, time.Since(start).Round(time.Second)); len(got) == 1 {
				<-time.After(4*time.Minute + 30*time.Second)
			}
		})
		want := []time.Duration{time.Minute, 5*time.Minute + 30*time.Second, 6 * time.Minute, 7 * time.Minute}
		if !slices.Equal(got, want) {
			t.Errorf("fired after %v, want %v", got, want)
		}
	})
}

func TestRunOfTheZeroScheduleReturns(t *testing.T) {
	Schedule{}.Run(t.Context(), func() { t.Error("fired") })
}

func TestTimerThroughClockJumps(t *testing.T) {
	type check struct {
		at    string
		fires bool
		wait  time.Duration
	}
	tests := []struct {
		name   string
		checks []check
	}{
		{"never waits long", []check{
			{"02 01:00:00", false, time.Minute},
			{"02 02:59:30", false, 30 * time.Second},
		}},
		{"days asleep fire once", []check{
			{"02 02:00:00", false, time.Minute},
			{"05 14:00:00", true, 0},
			{"05 14:00:00", false, time.Minute},
			{"06 03:00:00", true, 0},
		}},
		{"set forward over the time", []check{
			{"02 02:59:00", false, time.Minute},
			{"02 03:20:00", true, 0},
			{"02 03:20:00", false, time.Minute},
		}},
		{"set back a little after the time", []check{
			{"02 02:59:59", false, time.Second},
			{"02 03:00:00", true, 0},
			{"02 02:59:58", false, time.Minute},
			{"02 03:00:00", false, time.Minute},
			{"03 03:00:00", true, 0},
		}},
		{"far ahead, then set right", []check{
			{"20 12:00:00", false, time.Minute},
			{"02 02:59:30", false, 30 * time.Second},
			{"02 03:00:00", true, 0},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timer := timer{schedule: parse(t, "CRON_TZ=UTC 0 3 * * *")}
			for _, c := range tt.checks {
				now, err := time.Parse("2006-01-02 15:04:05", "2026-05-"+c.at)
				if err != nil {
					t.Fatal(err)
				}
				if fires, wait := timer.check(now); fires != c.fires || wait != c.wait {
					t.Errorf("check(%s) = %v, %v, want %v, %v", c.at, fires, wait, c.fires, c.wait)
				}
			}
		})
	}
}
