package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// script is a source that sends a name at each of the given times.
func script(times ...time.Duration) source {
	return func(ctx context.Context, changes chan<- []location) error {
		start := time.Now()
		for i, at := range times {
			select {
			case <-time.After(at - time.Since(start)):
			case <-ctx.Done():
				return nil
			}
			changes <- []location{{root: "/app", path: fmt.Sprint("/app/", i)}}
		}
		<-ctx.Done()
		return nil
	}
}

func TestBursts(t *testing.T) {
	const ms = time.Millisecond
	var restless []time.Duration // a change every 100 ms
	for at := 100 * ms; at <= 3500*ms; at += 100 * ms {
		restless = append(restless, at)
	}
	tests := []struct {
		name    string
		delay   time.Duration
		changes []time.Duration
		want    []time.Duration
	}{
		{"one change", 200 * ms, []time.Duration{0}, []time.Duration{200 * ms}},
		{"each change extends", 200 * ms, []time.Duration{0, 150 * ms, 300 * ms}, []time.Duration{500 * ms}},
		{"two bursts", 200 * ms, []time.Duration{0, 300 * ms}, []time.Duration{200 * ms, 500 * ms}},
		{"no delay is a short one", 0, []time.Duration{0, 40 * ms}, []time.Duration{90 * ms}},
		{"never at rest", 200 * ms, restless, []time.Duration{2100 * ms, 3700 * ms}},
		{"long delay", time.Second, restless, []time.Duration{4500 * ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var got []time.Duration
				err := Watch{Delay: tt.delay}.collect(ctx, script(tt.changes...), func([]string) { got = append(got, time.Since(start)) })
				if err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("fired after %v, want %v (%v)", got, tt.want, err)
				}
			})
		})
	}
}

func TestNamesAreFewAndRelative(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locations := []location{
			{root: "/app/src", path: "/app/src/a.js"},
			{root: "/app/src", path: "/app/src/a.js"},
			{root: "/app", path: "/app"},
			{root: "/etc/x", path: "/etc/x/y/z"},
			{root: "/etc/f.conf", path: "/etc/f.conf"},
		}
		all := slices.Clone(locations)
		for i := range 20 {
			all = append(all, location{root: "/app", path: fmt.Sprint("/app/", i)})
		}
		from := func(ctx context.Context, changes chan<- []location) error {
			changes <- locations
			changes <- all[5:]
			<-ctx.Done()
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var got []string
		if err := (Watch{Dir: "/app/"}).collect(ctx, from, func(changed []string) { got = changed }); err != nil {
			t.Fatal(err)
		}
		want := []string{"src/a.js", "app", "y/z", "f.conf", "0", "1", "2", "3", "4", "5"}
		if !slices.Equal(got, want) {
			t.Errorf("changed = %q, want %q", got, want)
		}
	})
}

func TestNothingFiresAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := Watch{Delay: 100 * time.Millisecond}.collect(ctx, script(0), func([]string) {
			if ctx.Err() != nil {
				t.Error("fired after the end")
			}
		})
		if err != nil {
			t.Errorf("collect = %v, want nil", err)
		}
	})
}

func TestRunReturnsTheSourcesError(t *testing.T) {
	want := errors.New("no more watches")
	from := func(context.Context, chan<- []location) error { return want }
	if err := (Watch{}).collect(t.Context(), from, nil); !errors.Is(err, want) {
		t.Errorf("collect = %v, want %v", err, want)
	}
}
