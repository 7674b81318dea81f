package restart

import (
	"math"
	"testing"
	"time"
)

// usual is what pm2.md gives an app that says nothing.
func usual() Policy {
	return Policy{
		Auto: true, MaxUnstable: 16, MinUptime: time.Second,
		Backoff: 100 * time.Millisecond, MaxDelay: 15 * time.Second,
	}
}

func with(change func(*Policy)) Policy {
	p := usual()
	change(&p)
	return p
}

// TestNext leaves out the backoff, which is random: see below.
func TestNext(t *testing.T) {
	plain := with(func(p *Policy) { p.Backoff = 0 })
	delayed := with(func(p *Policy) { p.Backoff, p.Delay = 0, 3*time.Second })
	once := with(func(p *Policy) { p.Auto = false })
	codes := with(func(p *Policy) { p.Backoff, p.StopCodes = 0, []int{0, 9, 127} })
	none := with(func(p *Policy) { p.Backoff, p.MaxUnstable = 0, 0 })
	loop := with(func(p *Policy) { p.Backoff, p.FailureUptime = 0, DefaultFailureUptime })
	retried := with(func(p *Policy) { p.Backoff, p.ErroredRetry = 0, time.Minute })
	short, long := 10*time.Millisecond, time.Minute
	for _, test := range []struct {
		name     string
		policy   Policy
		exit     Exit
		unstable int
		want     Decision
	}{
		{"zero policy rests", Policy{}, Exit{}, 0, Decision{LeaveStopped, 0, 0}},

		{"autorestart after a clean exit", plain, Exit{Uptime: long}, 0, Decision{Retry, 0, 0}},
		{"autorestart after a failure", plain, Exit{Code: 1, Uptime: long}, 0, Decision{Retry, 0, 0}},
		{"autorestart after a signal", plain, Exit{Signaled: true, Uptime: long}, 0, Decision{Retry, 0, 0}},
		{"no autorestart, clean", once, Exit{Uptime: long}, 0, Decision{LeaveStopped, 0, 0}},
		{"no autorestart, failure", once, Exit{Code: 1, Uptime: short}, 0, Decision{LeaveStopped, 0, 1}},
		{"no autorestart, not started", once, Exit{Code: 127, Failed: true}, 0, Decision{LeaveStopped, 0, 1}},
		{"no autorestart never gives up", once, Exit{Code: 1, Uptime: short}, 99, Decision{LeaveStopped, 0, 100}},

		{"just below min_uptime is unstable", plain, Exit{Uptime: time.Second - 1}, 3, Decision{Retry, 0, 4}},
		{"min_uptime is stable", plain, Exit{Uptime: time.Second}, 3, Decision{Retry, 0, 0}},
		{"a failure within 30 s is unstable", loop, Exit{Code: 1, Uptime: 30*time.Second - 1}, 3, Decision{Retry, 0, 4}},
		{"a signal within 30 s is unstable", loop, Exit{Signaled: true, Uptime: 5 * time.Second}, 3, Decision{Retry, 0, 4}},
		{"a failure after 30 s is stable", loop, Exit{Code: 1, Uptime: 30 * time.Second}, 3, Decision{Retry, 0, 0}},
		{"a clean exit within 30 s is stable", loop, Exit{Uptime: time.Second}, 3, Decision{Retry, 0, 0}},
		{"a clean exit below min_uptime is not", loop, Exit{Uptime: time.Second - 1}, 3, Decision{Retry, 0, 4}},
		{"failed to start is unstable however long it took", plain, Exit{Failed: true, Uptime: long}, 3, Decision{Retry, 0, 4}},
		{"min_uptime 0 makes every run stable", with(func(p *Policy) { p.MinUptime = 0 }), Exit{Code: 1}, 16, Decision{Retry, 0, 0}},
		{"a stable failure resets the count", plain, Exit{Code: 1, Uptime: long}, 16, Decision{Retry, 0, 0}},

		{"the last run before giving up", plain, Exit{Code: 1, Uptime: short}, 15, Decision{Retry, 0, 16}},
		{"one more", plain, Exit{Code: 1, Uptime: short}, 16, Decision{GiveUp, 0, 17}},
		{"an unstable clean exit counts, too", plain, Exit{Uptime: short}, 16, Decision{GiveUp, 0, 17}},
		{"given up until another try", retried, Exit{Code: 1, Uptime: short}, 16, Decision{GiveUp, time.Minute, 17}},
		{"given up after another try", retried, Exit{Code: 1, Uptime: short}, 17, Decision{GiveUp, time.Minute, 18}},
		{"max_restarts 0 tolerates none", none, Exit{Code: 1, Uptime: short}, 0, Decision{GiveUp, 0, 1}},
		{"max_restarts 0 and a stable run", none, Exit{Code: 1, Uptime: long}, 0, Decision{Retry, 0, 0}},

		{"restart_delay after a stable run", delayed, Exit{Uptime: long}, 0, Decision{Retry, 3 * time.Second, 0}},
		{"restart_delay after an unstable run", delayed, Exit{Uptime: short}, 4, Decision{Retry, 3 * time.Second, 5}},
		{"no backoff after a stable run", usual(), Exit{Code: 1, Uptime: long}, 9, Decision{Retry, 0, 0}},

		{"stop code", codes, Exit{Code: 9, Uptime: long}, 0, Decision{LeaveStopped, 0, 0}},
		{"stop code 0", codes, Exit{Code: 0, Uptime: long}, 0, Decision{LeaveStopped, 0, 0}},
		{"stop code of an unstable run", codes, Exit{Code: 9, Uptime: short}, 16, Decision{LeaveStopped, 0, 0}},
		{"another code", codes, Exit{Code: 1, Uptime: long}, 0, Decision{Retry, 0, 0}},
		{"signal 9 is not code 9", codes, Exit{Code: 9, Signaled: true, Uptime: long}, 0, Decision{Retry, 0, 0}},
		{"a signal is not code 0", codes, Exit{Signaled: true, Uptime: long}, 0, Decision{Retry, 0, 0}},
		{"127 of a program that there is not", codes, Exit{Code: 127, Failed: true}, 0, Decision{Retry, 0, 1}},
		{"127 of a program", codes, Exit{Code: 127, Uptime: short}, 0, Decision{LeaveStopped, 0, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.policy.Next(test.exit, test.unstable); got != test.want {
				t.Errorf("Next(%+v, %d) = %+v, want %+v", test.exit, test.unstable, got, test.want)
			}
		})
	}
}

func TestTheBackoffGrowsByHalfUpToItsEnd(t *testing.T) {
	policy := with(func(p *Policy) { p.MaxUnstable = math.MaxInt })
	wish := float64(policy.Backoff)
	for unstable := range 100 {
		low, high := time.Duration(wish*0.9), time.Duration(min(wish*1.1, float64(policy.MaxDelay)))
		for range 50 {
			got := policy.Next(Exit{Code: 1}, unstable)
			if got.Verdict != Retry || got.Delay < low-1 || got.Delay > high+1 {
				t.Fatalf("after %d unstable runs: %+v, want a delay between %v and %v", unstable, got, low, high)
			}
		}
		wish = min(wish*1.5, float64(policy.MaxDelay))
	}
}

func TestL23TheFirstFailureAfterMinUptimeIsFollowedAtOnce(t *testing.T) {
	policy := with(func(p *Policy) { p.FailureUptime = DefaultFailureUptime })
	for _, test := range []struct {
		exit      Exit
		unstable  int
		low, high time.Duration
	}{
		{Exit{Code: 1, Uptime: 1500 * time.Millisecond}, 0, 0, 0},
		{Exit{Signaled: true, Uptime: time.Second}, 0, 0, 0},
		{Exit{Code: 1, Uptime: 1500 * time.Millisecond}, 1, 90 * time.Millisecond, 110 * time.Millisecond},
		{Exit{Code: 1, Uptime: 1500 * time.Millisecond}, 2, 135 * time.Millisecond, 165 * time.Millisecond},
		{Exit{Code: 1, Uptime: 900 * time.Millisecond}, 0, 90 * time.Millisecond, 110 * time.Millisecond},
		{Exit{Failed: true, Uptime: 20 * time.Second}, 0, 90 * time.Millisecond, 110 * time.Millisecond},
	} {
		got := policy.Next(test.exit, test.unstable)
		if got.Delay < test.low || got.Delay > test.high || got.Unstable != test.unstable+1 {
			t.Errorf("Next(%+v, %d) = %+v, want a delay from %v to %v", test.exit, test.unstable, got, test.low, test.high)
		}
	}
}

func TestTheBackoffUsesAllOfItsJitter(t *testing.T) {
	low, high := time.Hour, time.Duration(0)
	for range 1000 {
		delay := usual().Next(Exit{Code: 1}, 0).Delay
		low, high = min(low, delay), max(high, delay)
	}
	if low > 92*time.Millisecond || high < 108*time.Millisecond {
		t.Errorf("1000 first delays are between %v and %v, want them spread over 90ms to 110ms", low, high)
	}
}

func TestTheLongerOfDelayAndBackoffCounts(t *testing.T) {
	policy := with(func(p *Policy) { p.Delay, p.MaxUnstable = 200*time.Millisecond, 100 })
	if got := policy.Next(Exit{Code: 1}, 0).Delay; got != policy.Delay {
		t.Errorf("first delay = %v, want restart_delay %v", got, policy.Delay)
	}
	if got := policy.Next(Exit{Code: 1}, 50).Delay; got < 13*time.Second {
		t.Errorf("late delay = %v, want the backoff", got)
	}
}

func TestABackoffBeyondItsEndIsCut(t *testing.T) {
	policy := with(func(p *Policy) { p.Backoff = time.Minute })
	if got := policy.Next(Exit{Code: 1}, 0).Delay; got > policy.MaxDelay || got < policy.MaxDelay*9/10 {
		t.Errorf("delay = %v, want max_restart_delay %v or up to a tenth less", got, policy.MaxDelay)
	}
}

func TestLongestDelay(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy Policy
		want   time.Duration
	}{
		{"the backoff's end", usual(), 15 * time.Second},
		{"no backoff", with(func(p *Policy) { p.Backoff = 0 }), 0},
		{"restart_delay alone", with(func(p *Policy) { p.Backoff, p.Delay = 0, time.Minute }), time.Minute},
		{"restart_delay beyond the backoff", with(func(p *Policy) { p.Delay = time.Minute }), time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.policy.LongestDelay(); got != test.want {
				t.Errorf("LongestDelay() = %v, want %v", got, test.want)
			}
		})
	}
}
