package supervisor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorun/health"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// opening is a door whose worker listens and says that it is ready after a
// while; forever: never. It notes what happens to it.
type opening struct {
	listens, says time.Duration
	drains        time.Duration // how long its queue takes to run empty

	blind bool // nobody hears when it listens

	examined bool               // by a health check
	checked  chan health.Result // what that finds; made in the bubble

	notifies bool // by sd_notify
	extend   chan time.Duration
	leaving  chan struct{}

	mu    sync.Mutex
	begun time.Time // the first of its runs
	notes []string  // of all runs
}

// opened is the door of one run.
type opened struct {
	*opening
	listening, ready chan struct{}
}

func (o *opening) begin() door {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.begun.IsZero() {
		o.begun = time.Now()
	}
	if o.examined && o.checked == nil {
		o.checked = make(chan health.Result)
	}
	if o.notifies && o.extend == nil {
		o.extend, o.leaving = make(chan time.Duration), make(chan struct{})
	}
	listening := closedAfter(o.listens)
	if o.blind {
		listening = nil
	}
	return &opened{o, listening, closedAfter(o.says)}
}

func closedAfter(d time.Duration) chan struct{} {
	c := make(chan struct{})
	if d != forever {
		time.AfterFunc(d, func() { close(c) })
	}
	return c
}

func (o *opening) note(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes = append(o.notes, fmt.Sprint(time.Since(o.begun).Round(time.Millisecond), " ", what))
}

func (o *opened) signs() signs {
	s := signs{ready: o.ready, checked: o.checked, extend: o.extend, leaving: o.leaving}
	if o.listening != nil {
		s.listening = o.listening
	}
	return s
}
func (o *opening) online()       { o.note("online") }
func (o *opening) succeed(door)  { o.note("succeed") }
func (o *opening) self() *link   { return nil }
func (o *opening) offline()      { o.note("offline") }
func (o *opening) dismiss() bool { return false }
func (o *opening) release()      { o.note("release") }

func (o *opening) drain(ctx context.Context, exited <-chan struct{}, limits drainLimits) {
	o.note("drain")
	select {
	case <-time.After(min(o.drains, limits.total)):
	case <-exited:
	case <-ctx.Done():
	}
	o.note("drained")
}

func TestAWorkerIsOnlineWhenItListens(t *testing.T) {
	door := &opening{listens: 3 * time.Second, says: forever}
	fate := serves
	fate.opens = door
	api := daemon("api", fate).but(func(a *spec.App) { a.ListenTimeout = 30 * time.Second })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		wantSteps(t, s, "api/0", "0s launching", "3s online")
		if !slices.Equal(door.notes, []string{"3s online"}) {
			t.Errorf("the door: %q, want steered to once, when it listens", door.notes)
		}
	})
}

func TestAWorkerThatNeverListensIsTakenAsOnline(t *testing.T) {
	fate := serves
	fate.opens = &opening{listens: forever, says: forever}
	api := daemon("api", fate).but(func(a *spec.App) { a.ListenTimeout = 30 * time.Second })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		wantSteps(t, s, "api/0", "0s launching", "30s online")
	})
}

func TestAWorkerThatIsToSayThatItIsReadyIsWaitedFor(t *testing.T) {
	fate := serves
	fate.opens = &opening{listens: time.Second, says: 5 * time.Second}
	api := daemon("api", fate).but(func(a *spec.App) { a.ListenTimeout, a.WaitReady = 30*time.Second, true })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		wantSteps(t, s, "api/0", "0s launching", "5s online")
	})
}

// It works off a queue, and was launching until its listen_timeout.
func TestAWorkerThatSaysThatItIsReadyNeedNotListen(t *testing.T) {
	queue := func() fate {
		f := serves
		f.opens = &opening{listens: forever, says: time.Second}
		return f
	}
	api := daemon("api", queue(), queue()).but(shares).but(func(a *spec.App) { a.ListenTimeout, a.WaitReady = 30*time.Second, true })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		wantSteps(t, s, "api/0", "0s launching", "1s online")
		if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err != nil || took != time.Second {
			t.Errorf("reload: %v after %v", err, took)
		}
	})
}

func TestAWorkerThatIsFoundWellNeedNotListen(t *testing.T) {
	api, door := examined(health.Restart)
	door.listens = forever
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(10 * time.Second)
		door.checked <- health.Result{OK: true, Condition: health.Healthy}
		s.passes(time.Minute)
		wantSteps(t, s, "api/0", "0s launching", "10s online")
	})
}

// Who has listened is not followed by who only says that it is ready.
func TestAReplacementThatSaysThatItIsReadyHasToListenToo(t *testing.T) {
	deaf := serves
	deaf.opens = &opening{listens: forever, says: time.Second}
	first := serves
	first.opens = &opening{listens: 0, says: time.Second}
	api := daemon("api", first, deaf).but(shares).but(func(a *spec.App) { a.ListenTimeout, a.WaitReady = 30*time.Second, true })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err == nil || took != 30*time.Second {
			t.Errorf("reload: %v after %v", err, took)
		}
	})
}

func TestAWorkerThatNeverSaysThatItIsReadyHasFailed(t *testing.T) {
	fate := serves
	fate.opens = &opening{listens: time.Second, says: forever}
	api := daemon("api", fate).but(func(a *spec.App) {
		a.ListenTimeout, a.WaitReady, a.Restart.MaxUnstable = 10*time.Second, true, 1
	})
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		wantSteps(t, s, "api/0",
			"0s launching", "10s stopping", "10s waiting restart",
			"11s launching", "21s stopping", "21s errored")
	})
}

func TestAStopLeavesTheSteeringFirstAndDrains(t *testing.T) {
	door := &opening{listens: 0, says: forever, drains: 2 * time.Second}
	fate := serves
	fate.opens = door
	api := daemon("api", fate).but(func(a *spec.App) { a.ListenTimeout, a.DrainTimeout = time.Minute, 4*time.Second })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(10 * time.Second)
		s.cancel()
		synctest.Wait()
		s.passes(10 * time.Second)
		want := []string{"0s online", "10s offline", "10s drain", "12s drained", "12s release"}
		if !slices.Equal(door.notes, want) {
			t.Errorf("the door: %q, want %q", door.notes, want)
		}
	})
}

func TestACrashLeavesTheSteeringAtOnceAndDrainsNothing(t *testing.T) {
	door := &opening{listens: 0, says: forever, drains: time.Minute}
	fate := crashes.after(5 * time.Second)
	fate.opens = door
	api := daemon("api", fate).but(func(a *spec.App) { a.Restart.Auto = false })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(10 * time.Second)
		want := []string{"0s online", "5s offline", "5s release"}
		if !slices.Equal(door.notes, want) {
			t.Errorf("the door: %q, want %q", door.notes, want)
		}
	})
}

func TestOnlyItsPortIsSharedWhereOneIsNamed(t *testing.T) {
	for _, test := range []struct {
		port, asked int
		want        bool
	}{{0, 3000, true}, {3000, 3000, true}, {3000, 9229, false}} {
		s := &sharing{app: &spec.App{Port: test.port}}
		if got := s.wanted(sockets.Address{Port: test.asked}); got != test.want {
			t.Errorf("with port %d, %d is shared: %v, want %v", test.port, test.asked, got, test.want)
		}
	}
}

func TestAnInstanceWithTwoRunsHasOneQueue(t *testing.T) {
	var all []status.Port
	for _, one := range []status.Port{{Address: "[::]:80", Instance: 0, Length: 1, Limit: 10}, {Address: "[::]:80", Instance: 1, Length: 2, Limit: 10}, {Address: "[::]:80", Instance: 0, Length: 3, Limit: 10}, {Address: "[::]:81", Instance: 0, Length: 4, Limit: 10}} {
		all = add(all, one)
	}
	want := []status.Port{{Address: "[::]:80", Instance: 0, Length: 4, Limit: 20}, {Address: "[::]:80", Instance: 1, Length: 2, Limit: 10}, {Address: "[::]:81", Instance: 0, Length: 4, Limit: 10}}
	if !slices.Equal(all, want) {
		t.Errorf("queues %v, want %v", all, want)
	}
}
