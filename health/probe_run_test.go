package health

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// command is a check of which the tests give the command.
var command = []string{"./check.sh"}

// outcomes answers the nth check with the nth error, the last one for ever.
func outcomes(all ...error) Prober {
	n := 0
	return Prober{Exec: func(context.Context, []string) error {
		err := all[min(n, len(all)-1)]
		n++
		return err
	}}
}

// collect runs c for n results.
func collect(t *testing.T, c Check, worker Prober, n int) []Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var results []Result
	c.Run(ctx, worker, func(r Result) {
		if results = append(results, r); len(results) == n {
			cancel()
		}
	})
	return results
}

func TestChecksComeAtOnceThenEachSecondThenEachInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		results := collect(t, Check{Exec: command}, outcomes(errors.New("exit status 1"), errors.New("exit status 1"), nil), 5)
		if results[0].At != began {
			t.Errorf("the first check comes after %v, want at once", results[0].At.Sub(began))
		}
		for i, want := range []time.Duration{time.Second, time.Second, 10 * time.Second, 10 * time.Second} {
			if pause := results[i+1].At.Sub(results[i].At); pause > want || pause < want*9/10 {
				t.Errorf("check %d comes %v after the one before, want %v or up to a tenth less", i+1, pause, want)
			}
		}
		conditions := []Condition{Unknown, Unknown, Healthy, Healthy, Healthy}
		if !slices.EqualFunc(results, conditions, func(r Result, want Condition) bool { return r.Condition == want }) {
			t.Errorf("%+v, want the conditions %v", results, conditions)
		}
		if results[0].Text != "exit status 1" || results[2].Text != "exit 0" {
			t.Errorf("the texts are %q and %q", results[0].Text, results[2].Text)
		}
	})
}

func TestChecksOfManyWorkersDrawApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var instants []time.Time
		for range 64 {
			results := collect(t, Check{Exec: command}, outcomes(nil), 2)
			instants = append(instants, time.Unix(0, 0).Add(results[1].At.Sub(results[0].At)))
		}
		slices.SortFunc(instants, time.Time.Compare)
		if apart := slices.Compact(instants); len(apart) < 60 {
			t.Errorf("64 workers are checked at %d different times", len(apart))
		}
	})
}

func TestUnhealthyAfterTheStartPeriodAndRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		check := Defaults()
		check.Exec = command
		results := collect(t, check, outcomes(errors.New("exit status 1")), 40)
		first := slices.IndexFunc(results, func(r Result) bool { return r.Condition == Unhealthy })
		if first < 0 || results[first].At.Sub(began) < 31*time.Second || results[first].At.Sub(began) > 33*time.Second {
			t.Errorf("unhealthy at check %d of %d, want two pauses after the 30 s", first, len(results))
		}
	})
}

func TestHangingWorkerTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		silent := func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { _ = theirs.Close() })
			return ours, nil
		}
		stuck := func(ctx context.Context, _ []string) error { <-ctx.Done(); return errors.New("signal: killed") }
		for name, way := range map[string]struct {
			check  Check
			worker Prober
		}{
			"connecting": {Check{TCP: &TCPCheck{}}, Prober{Dial: hangs}},
			"answering":  {Check{HTTP: &HTTPCheck{}}, Prober{Dial: silent}},
			"handshake":  {Check{HTTP: &HTTPCheck{Scheme: TLS}}, Prober{Dial: silent}},
			"command":    {Check{Exec: command}, Prober{Exec: stuck}},
		} {
			got := collect(t, way.check, way.worker, 1)[0]
			if got.OK || got.Text != "timeout after 2s" || got.Duration != 2*time.Second {
				t.Errorf("%s: %+v, want a timeout after 2s", name, got)
			}
		}
	})
}

func TestEndOfContextCutsEveryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		stuck := Prober{Exec: func(ctx context.Context, _ []string) error { <-ctx.Done(); return ctx.Err() }}
		Check{Exec: command}.Run(ctx, stuck, func(r Result) { t.Errorf("a cut check is reported: %+v", r) })
		results := 0
		ctx, cancelPause := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancelPause()
		Check{Exec: command}.Run(ctx, outcomes(nil), func(Result) { results++ })
		if took := time.Since(began); took != time.Second || results != 1 {
			t.Errorf("two runs of 500ms took %v with %d results", took, results)
		}
	})
}

func TestTCPCheck(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String())
	}
	check := Check{TCP: &TCPCheck{}}
	if got := collect(t, check, Prober{Dial: dial}, 1)[0]; !got.OK || got.Text != "connected" || got.Condition != Healthy {
		t.Errorf("of a listener: %+v", got)
	}
	_ = listener.Close()
	if got := collect(t, check, Prober{Dial: dial}, 1)[0]; got.OK || got.Text != "connection refused" {
		t.Errorf("of nobody: %+v, want connection refused", got)
	}
}

func TestFailureText(t *testing.T) {
	for want, err := range map[string]error{
		"connection refused":       &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"connection reset by peer": &net.OpError{Op: "read", Err: syscall.ECONNRESET},
		`"a\nb"`:                   errors.New("a\nb"),
	} {
		if got := failureText(err); !strings.Contains(got, want) {
			t.Errorf("failureText(%v) = %q, want %q", err, got, want)
		}
	}
}

// A ticker panics at an interval below 1.
func TestWhatCannotBeMeantIsTheDefault(t *testing.T) {
	for _, c := range []Check{{}, {Interval: -1, Timeout: -1, Retries: -1}} {
		if got, want := c.withDefaults(), Defaults(); got.Interval != want.Interval || got.Timeout != want.Timeout || got.Retries != want.Retries {
			t.Errorf("%+v becomes %+v", c, got)
		}
	}
}
