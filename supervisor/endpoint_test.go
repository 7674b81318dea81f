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
	"gorun/supervisor/invocation"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/invocation/event"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
)

// opening is an endpoint whose worker listens and says that it is ready after a
// while; forever: never. It notes what happens to it.
type opening struct {
	listens, says time.Duration
	drains        time.Duration // how long its queue takes to run empty

	blind bool // nobody reports when it listens

	examined bool               // by a health check
	checked  chan health.Result // what that finds; made in the bubble

	notifies bool          // by sd_notify
	alive    time.Duration // how often it sends WATCHDOG=1; 0: never
	extend   chan time.Duration
	stopping chan struct{}
	events   chan event.Event // anything else that it reports

	mu    sync.Mutex
	begun time.Time // the first of its runs
	notes []string  // of all runs
}

// opened is the endpoint of one run.
type opened struct {
	*opening
	released chan struct{}
}

func (o *opening) begin() invocation.Endpoint {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.begun.IsZero() {
		o.begun = time.Now()
	}
	if o.examined && o.checked == nil {
		o.checked = make(chan health.Result)
	}
	if o.notifies && o.extend == nil {
		o.extend, o.stopping, o.events = make(chan time.Duration), make(chan struct{}), make(chan event.Event)
	}
	return &opened{o, make(chan struct{})}
}

// tell posts an event, as the program would.
func (o *opening) tell(e event.Event) {
	o.mu.Lock()
	to := o.events
	o.mu.Unlock()
	to <- e
}

func (o *opening) note(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes = append(o.notes, fmt.Sprint(time.Since(o.begun).Round(time.Millisecond), " ", what))
}

func (o *opened) Report(post func(event.Event)) {
	after := func(d time.Duration, kind event.Kind) {
		if d != forever {
			time.AfterFunc(d, func() { post(event.Event{Kind: kind}) })
		}
	}
	if !o.blind {
		after(o.listens, event.Listening)
	}
	after(o.says, event.Ready)
	ticker := time.NewTicker(max(o.alive, 1))
	if o.alive == 0 {
		ticker.Stop()
	}
	go func() {
		defer ticker.Stop()
		for {
			select {
			case r := <-o.checked:
				post(event.Event{Kind: event.Checked, Check: r})
			case d := <-o.extend:
				post(event.Event{Kind: event.Extended, Extend: d})
			case <-ticker.C:
				post(event.Event{Kind: event.Alive})
			case <-o.stopping:
				post(event.Event{Kind: event.Stopping})
			case e := <-o.events:
				post(e)
			case <-o.released:
				return
			}
		}
	}()
}

func (o *opening) ReportsListening() bool                           { return !o.blind }
func (o *opening) AcceptTraffic()                                   { o.note("online") }
func (o *opening) TakeOver(sockets.Owner)                           { o.note("succeed") }
func (o *opening) StopTraffic()                                     { o.note("offline") }
func (o *opening) AskToStop() bool                                  { return false }
func (o *opening) Clients() process.Clients                         { return nil }
func (o *opening) DisconnectIPC()                                   {}
func (o *opening) Owner() sockets.Owner                             { return 0 }
func (o *opening) MissingAddresses(sockets.Owner) []sockets.Address { return nil }

func (o *opened) Release() {
	o.note("release")
	close(o.released)
}

func (o *opening) Drain(ctx context.Context, exited <-chan struct{}, limits endpoint.DrainLimits) {
	o.note("drain")
	select {
	case <-time.After(min(o.drains, limits.Total)):
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
		wantSteps(t, s, "api/0", "0s launching", "3s online")
		for range 2 { // it is known by now
			if _, took, err := s.do(spec.Order{Verb: spec.Restart, Targets: theAPI[:]}); err != nil || took > time.Second {
				t.Errorf("restart: %v after %v", err, took)
			}
		}
	})
}

// L25: a port that is named, or a program that has listened before, is waited for.
func TestL25AWorkerThatIsToListenIsWaitedFor(t *testing.T) {
	fate := serves
	fate.opens = &opening{listens: 20 * time.Second, says: forever}
	api := daemon("api", fate).but(func(a *spec.App) { a.ListenTimeout, a.Port = 30*time.Second, 80 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		wantSteps(t, s, "api/0", "0s launching", "20s online")
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
		if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err != nil || took != time.Second+hold {
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
