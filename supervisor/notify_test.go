package supervisor

import (
	"context"
	"slices"
	"testing"
	"time"

	"gorun/supervisor/app"
	"gorun/supervisor/invocation/event"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// notifying is an app whose workers listen at once and use sd_notify.
func notifying(f fate) (part, *opening) {
	door := &opening{notifies: true, says: forever}
	f.opens = door
	return daemon("api", f).but(shares), door
}

// A short extension ended the start before its time.
func TestAnExtensionShortensNothing(t *testing.T) {
	api, door := notifying(serves)
	api = api.but(func(a *spec.App) { a.WaitReady, a.ListenTimeout = true, 30*time.Second })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Second)
		door.extend <- 5 * time.Second
		s.passes(20 * time.Second)
		wantSteps(t, s, "api/0", "0s launching")
		door.extend <- 20 * time.Second
		s.passes(19 * time.Second)
		wantSteps(t, s, "api/0", "0s launching")
		s.passes(1500 * time.Millisecond)
		wantSteps(t, s, "api/0", "0s launching", "41s stopping", "41s waiting restart")
	})
}

// STOPPING=1: it may take its time, but gets no new connections and need not keep
// the watchdog quiet.
func TestAWorkerThatSaysThatItEndsIsLeftAlone(t *testing.T) {
	api, door := notifying(fate{lives: time.Minute})
	api = api.but(func(a *spec.App) { a.Watchdog, a.KillTimeout = 15*time.Second, 10*time.Minute })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(10 * time.Second)
		door.stopping <- struct{}{}
		s.passes(49 * time.Second)
		if st := s.api(); st.Ready || st.State != status.Online {
			t.Errorf("%+v, want online and not ready", st)
		}
		s.passes(2500 * time.Millisecond)
		wantSteps(t, s, "api/0", "0s launching", "0s online", "1m0s waiting restart", "1m1s launching", "1m1s online")
		if !slices.Equal(door.notes[:3], []string{"0s online", "10s offline", "1m0s offline"}) || !s.api().Ready {
			t.Errorf("the door: %q; %+v", door.notes, s.api())
		}
	})
}

// Its successor was never missed.
func TestTheSuccessorOfAWorkerThatEndsIsWatched(t *testing.T) {
	api, door := notifying(serves)
	api = api.but(func(a *spec.App) { a.Watchdog, a.KillTimeout = 15*time.Second, 10*time.Minute })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(10 * time.Second)
		door.stopping <- struct{}{}
		s.passes(time.Minute)
		if _, _, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err != nil {
			t.Fatal(err)
		}
		s.passes(17 * time.Second)
		if n := s.api().Restarts[status.ByWatchdog]; n != 1 {
			t.Errorf("%d restarts by the watchdog, want 1", n)
		}
	})
}

func TestAWorkerThatSaysThatItEndsHasTheTimeOfAStop(t *testing.T) {
	api, door := notifying(serves)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		door.stopping <- struct{}{}
		s.passes(time.Second)
		door.extend <- 10 * time.Second
		s.passes(9 * time.Second)
		wantSteps(t, s, "api/0", "0s launching", "0s online")
		s.passes(time.Minute)
		wantSteps(t, s, "api/0", "0s launching", "0s online", "1m11s stopping", "1m11s waiting restart", "1m12s launching", "1m12s online")
	})
}

// It was online after settling, and the one that served was gone.
func TestAReplacementThatNobodyHearsListenHasToLast(t *testing.T) {
	quiet := func(f fate) fate { f.opens = &opening{blind: true, says: forever}; return f }
	for _, test := range []struct {
		name string
		next fate
		took time.Duration
		fine bool
	}{
		{"it crashes", crashes.after(900 * time.Millisecond), 900 * time.Millisecond, false},
		{"it runs on", serves, time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			enact(t, []part{daemon("api", quiet(serves), quiet(test.next)).but(shares)}, Options{}, func(s *stage) {
				s.passes(time.Minute)
				before := s.pids("api")
				_, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]})
				if (err == nil) != test.fine || took != test.took {
					t.Errorf("reload: %v after %v, want %v", err, took, test.took)
				}
				if kept := slices.Equal(s.pids("api"), before); kept == test.fine {
					t.Errorf("the old one was kept: %v", kept)
				}
			})
		})
	}
}

// What changed during a restart was not seen before the next change.
func TestARestartThatIsProvokedDuringAnotherWaitsForItsTurn(t *testing.T) {
	api := daemon("api", listens(time.Second, 0)).but(shares)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		a := s.apps.all()[0]
		for _, why := range []status.Reason{status.ByWatch, status.ByWatch, status.ByCron, status.ByWatch} {
			a.RequestRestart(context.Background(), why, "x")
		}
		s.passes(1500 * time.Millisecond) // the one that has waited writes files
		a.RequestRestart(context.Background(), status.ByWatch, "x")
		s.passes(time.Minute)
		if n := s.api().Restarts; n[status.ByWatch] != 2 || n[status.ByCron] != 1 {
			t.Errorf("restarts %v, want two by watch and one by cron", n)
		}
		a.RequestRestart(context.Background(), status.ByWatch, "x")
		a.RequestRestart(context.Background(), status.ByWatch, "y")
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: theAPI[:]}); err != nil {
			t.Error(err)
		}
		s.passes(time.Minute)
		if state := s.api().State; state != status.Stopped {
			t.Errorf("what was stopped is %v", state)
		}
	})
}

func TestDependentsAreFoundAfterAnExchange(t *testing.T) {
	cache, api := daemon("cache", serves), daemon("api", serves).needs("cache", spec.Online)
	enact(t, []part{cache, api}, Options{}, func(s *stage) {
		apps := slices.Clone(s.apps.all())
		apps[0] = app.New(&cache.app, &s.apps.deps)
		if found := dependents(apps, "cache"); len(found) != 1 || found[0].Name() != "api" {
			t.Errorf("%d dependents, want api", len(found))
		}
	})
}

// L28: the program has the last word on its watchdog: sd_notify(3).
func TestL28AWorkerChangesItsWatchdog(t *testing.T) {
	for _, test := range []struct {
		name         string
		file, period time.Duration
		ends         time.Duration // after the message, which comes after 5 s; 0: never
	}{
		{"longer", 10 * time.Second, 30 * time.Second, 30 * time.Second},
		{"shorter", 10 * time.Second, 2 * time.Second, 2 * time.Second},
		{"where there was none", 0, 3 * time.Second, 3 * time.Second},
		{"none any more", 10 * time.Second, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			api, door := notifying(serves)
			api = api.but(func(a *spec.App) { a.Watchdog = test.file })
			enact(t, []part{api}, Options{}, func(s *stage) {
				s.passes(5 * time.Second)
				door.events <- event.Event{Kind: event.Alive, Watchdog: &test.period}
				s.passes(test.ends - time.Millisecond)
				if n := s.api().Restarts[status.ByWatchdog]; n != 0 {
					t.Fatalf("%d restarts before the watchdog expires", n)
				}
				s.passes(time.Minute)
				if n := s.api().Restarts[status.ByWatchdog]; (n > 0) != (test.ends > 0) {
					t.Errorf("%d restarts by the watchdog", n)
				}
			})
		})
	}
}

// L28: what is set before a worker is ready counts once it is.
func TestL28AWatchdogSetBeforeReadyRunsFromThen(t *testing.T) {
	api, door := notifying(serves)
	api = api.but(func(a *spec.App) { a.Port = 80 }) // waited for until its listen_timeout
	door.listens = 10 * time.Second
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Second)
		door.events <- event.Event{Kind: event.Alive, Watchdog: new(3 * time.Second)}
		s.passes(11 * time.Second)
		if st := s.api(); st.State != status.Online || st.Restarts[status.ByWatchdog] != 0 {
			t.Fatalf("after 12 s: %+v", st)
		}
		s.passes(1500 * time.Millisecond)
		wantSteps(t, s, "api/0", "0s launching", "10s online", "13s stopping", "13s waiting restart")
	})
}

// L28: WATCHDOG=trigger is an expired watchdog, also where there is none.
func TestL28AWorkerTriggersItsWatchdog(t *testing.T) {
	api, door := notifying(serves)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(5 * time.Second)
		door.events <- event.Event{Kind: event.WatchdogExpired}
		s.passes(time.Second)
		if n := s.api().Restarts[status.ByWatchdog]; n != 1 {
			t.Errorf("%d restarts by the watchdog, want 1", n)
		}
	})
}

// L28: a replacement that gives up by itself is no replacement, and is not waited for.
func TestL28AReplacementThatGivesUpEndsTheReload(t *testing.T) {
	for _, e := range []event.Event{{Kind: event.WatchdogExpired}, {Kind: event.Stopping}} {
		first, second := serves, serves
		door := &opening{notifies: true, listens: forever, says: forever}
		first.opens, second.opens = &opening{says: forever}, door
		api := daemon("api", first, second).but(shares)
		enact(t, []part{api}, Options{}, func(s *stage) {
			s.passes(5 * time.Second)
			go func() {
				<-time.After(2 * time.Second)
				door.tell(e)
			}()
			if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err == nil || took > 3*time.Second {
				t.Errorf("%+v: reload: %v after %v", e, err, took)
			}
			if st := s.api(); st.State != status.Online || !st.Ready {
				t.Errorf("%+v: the old one is %v", e, st.State)
			}
		})
	}
}
