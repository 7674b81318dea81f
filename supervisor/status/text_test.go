package status

import (
	"math"
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		-1: "0 B", 0: "0 B", 999: "999 B", 1023: "1023 B", 1024: "1 KiB", 1500: "1.5 KiB", 45_300_000: "43.2 MiB",
		64 << 20: "64 MiB", 512 << 20: "512 MiB", 1000 << 20: "1000 MiB", 1<<30 - 1: "1 GiB", 3 << 30: "3 GiB",
		math.MaxInt64: "8 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	if got := Plural(2, "process"); got != "2 processes" {
		t.Errorf("Plural(2) = %q", got)
	}
	for n, want := range map[int]string{0: "0 apps", 1: "1 app", 2: "2 apps"} {
		if got := Plural(n, "app"); got != want {
			t.Errorf("Plural(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2030, 5, 6, 12, 0, 0, 0, time.UTC) // a Monday
	for _, test := range []struct {
		after time.Duration
		want  string
	}{
		{0, "12:00"},
		{5*time.Hour + 23*time.Minute, "17:23"},
		{4 * time.Second, "12:00:04"},
		{12 * time.Hour, "Tue 00:00"},
		{5 * 24 * time.Hour, "Sat 12:00"},
		{10 * 24 * time.Hour, "2030-05-16 12:00"},
	} {
		if got := Clock(now.Add(test.after), now); got != test.want {
			t.Errorf("Clock(%v from now) = %q, want %q", test.after, got, test.want)
		}
	}
}

func TestWait(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0 s"},
		{1, "1 s"},
		{12 * time.Second, "12 s"},
		{11*time.Second + 1, "12 s"},
		{119 * time.Second, "119 s"},
		{2 * time.Minute, "2 min"},
		{4*time.Minute + time.Second, "5 min"},
	} {
		if got := wait(test.d); got != test.want {
			t.Errorf("wait(%v) = %q, want %q", test.d, got, test.want)
		}
	}
}
