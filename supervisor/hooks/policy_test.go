package hooks

import (
	"errors"
	"testing"
	"time"
)

func TestWhatFollowsATry(t *testing.T) {
	down := errors.New("failed")
	tests := []struct {
		name    string
		retries int
		try     int
		outcome result
		want    verdict
		pause   time.Duration
	}{
		{"success", 3, 1, result{}, delivered, 0},
		{"first failure", 3, 1, result{err: down}, retry, time.Second},
		{"second failure", 3, 2, result{err: down}, retry, 2 * time.Second},
		{"third failure", 3, 3, result{err: down}, retry, 4 * time.Second},
		{"last failure", 3, 4, result{err: down}, failed, 0},
		{"no retries", 0, 1, result{err: down}, failed, 0},
		{"no use", 3, 1, result{err: down, final: true}, failed, 0},
		{"the pause ends to grow", 100, 7, result{err: down}, retry, time.Minute},
		{"for ever", 100, 99, result{err: down}, retry, time.Minute},
		{"the server asks for more", 3, 1, result{err: down, delay: 10 * time.Second}, retry, 10 * time.Second},
		{"for less", 3, 3, result{err: down, delay: time.Second}, retry, 4 * time.Second},
		{"for too much", 3, 1, result{err: down, delay: time.Hour}, retry, time.Minute},
	}
	for _, tt := range tests {
		got, pause := Hook{Retries: tt.retries}.next(tt.try, tt.outcome)
		if got != tt.want || pause != tt.pause {
			t.Errorf("%s: next = %v, %v, want %v, %v", tt.name, got, pause, tt.want, tt.pause)
		}
	}
}

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	for status, want := range map[int]bool{400: false, 401: false, 404: false, 410: false, 429: true, 500: true, 502: true, 503: true, 301: false} {
		if got := retryable(status); got != want {
			t.Errorf("mayPass(%d) = %v", status, got)
		}
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "99999999999999999999": 0,
		"Wed, 02 Jan 2030 03:04:15 GMT": 10 * time.Second,
		"Wed, 02 Jan 2030 03:04:00 GMT": 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("asked(%q) = %v, want %v", header, got, want)
		}
	}
}
