package supervisor

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

const minute = time.Minute

// TestExitCodes has pm2.md's table of container behaviour, as far as it is the
// supervisor's.
func TestExitCodes(t *testing.T) {
	killed := fate{lives: minute, status: reaper.Status{Signal: unix.SIGSEGV}}
	for _, test := range []struct {
		name  string
		apps  []part
		code  int
		after time.Duration
	}{
		{"no apps", nil, 0, 0},
		{"every job ended well", []part{job("a", fate{lives: minute}), job("b", fate{lives: 2 * minute})}, 0, 2 * minute},
		{"one job failed", []part{job("a", fate{lives: minute}), job("b", crashes.with(3))}, 3, minute},
		{"the first of two failures", []part{job("a", crashes.with(4).after(2*minute)), job("b", crashes.with(3).after(minute))}, 3, 2 * minute},
		{"a job killed by a signal", []part{job("a", killed)}, 139, minute},
		{"a daemon gave up", []part{daemon("a", crashes.with(5)), job("b", fate{lives: minute})}, 5, minute},
		{"a daemon gave up ending with 0", []part{daemon("a", fate{})}, 1, 2 * time.Second},
		{"a stop code is a good end", []part{daemon("a", crashes.with(6)).but(func(a *spec.App) { a.Restart.StopCodes = []int{6} })}, 0, 0},
		{"a job's stop code is a good end", []part{job("a", crashes.with(6)).but(func(a *spec.App) { a.Restart.StopCodes = []int{6} })}, 0, 0},
		{"the first of an app's workers that fails", []part{job("a", crashes.with(7)).but(func(a *spec.App) { a.Instances = 3 })}, 7, 0},
		{"nothing is to be started", []part{daemon("a", serves).but(func(a *spec.App) { a.Autostart = false })}, 0, 0},
		{"waiting restart is no end", []part{daemon("a", crashes, fate{lives: minute}, crashes), job("b", fate{})}, 1, minute + 4*time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			enact(t, test.apps, Options{}, func(s *stage) {
				wantEnd(t, s, test.code, test.after)
				if blamed := s.Failure() != ""; blamed != (test.code != 0) {
					t.Errorf("Failure() = %q with code %d", s.Failure(), test.code)
				}
			})
		})
	}
}

func TestAStopEndsWithZero(t *testing.T) {
	apps := []part{daemon("a", serves), job("b", crashes.with(3)), daemon("c", crashes)}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(minute)
		s.cancel()
		wantEnd(t, s, 0, minute)
	})
}

func TestStayRunsOnWhenEveryAppHasEnded(t *testing.T) {
	enact(t, []part{job("a", crashes)}, Options{KeepRunning: true}, func(s *stage) {
		s.passes(time.Hour)
		s.cancel()
		wantEnd(t, s, 0, time.Hour)
	})
}

func TestTheFailureNamesTheAppThatTheCodeIsFrom(t *testing.T) {
	apps := []part{job("first", crashes.with(3)), job("vital", crashes.with(4).after(minute)).critical(), daemon("api", serves)}
	enact(t, apps, Options{}, func(s *stage) {
		wantEnd(t, s, 4, minute)
		if got := s.Failure(); got != "app vital failed: 4" {
			t.Errorf("Failure() = %q", got)
		}
	})
}

func TestACriticalAppEndsGorunWithItsCode(t *testing.T) {
	apps := []part{daemon("api", serves), daemon("vital", crashes.with(9)).critical()}
	enact(t, apps, Options{}, func(s *stage) {
		wantEnd(t, s, 9, 2*time.Second)
		wantSteps(t, s, "api/0", "0s launching", "100ms online", "2s stopping", "2s stopped")
	})
}

func TestACriticalJobThatEndsWellEndsNobody(t *testing.T) {
	apps := []part{daemon("api", serves), job("migrate", fate{}).critical()}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(minute)
		if state := s.api().State; state != status.Online {
			t.Errorf("api is %v, want online", state)
		}
	})
}

// Its code was lost to an earlier failure when it was the last to end.
func TestTheLastCriticalAppEndsGorunWithItsCodeToo(t *testing.T) {
	apps := []part{job("first", crashes.with(3)), job("vital", crashes.with(4).after(minute)).critical()}
	enact(t, apps, Options{}, func(s *stage) { wantEnd(t, s, 4, minute) })
}

func TestAnAppThatIsNotCriticalGivesUpAlone(t *testing.T) {
	apps := []part{daemon("api", serves), daemon("bad", crashes.with(9))}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(time.Hour)
		if state := s.api().State; state != status.Online {
			t.Errorf("api is %v, want online", state)
		}
		bad := s.app("bad")
		if !bad.Errored() || bad.Desired != 1 || bad.DownSince.IsZero() {
			t.Errorf("bad: errored %v, desired %d, down since %v", bad.Errored(), bad.Desired, bad.DownSince)
		}
	})
}

func TestInstancesStartInParallel(t *testing.T) {
	api := daemon("api", serves).but(func(a *spec.App) { a.Instances = 4 })
	enact(t, []part{api, daemon("web", serves)}, Options{}, func(s *stage) {
		s.passes(minute)
		for _, name := range []string{"api/0", "api/1", "api/2", "api/3", "web/0"} {
			wantSteps(t, s, name, "0s launching", "100ms online")
		}
		if !s.film.said("ready in=100ms") {
			t.Errorf("not said to be ready after 100ms: %q", s.film.lines)
		}
	})
}

func TestAnAppStartsWhenWhatItNeedsIsThere(t *testing.T) {
	apps := []part{
		daemon("api", serves).needs("migrate", spec.Completed).needs("cache", spec.Online),
		job("migrate", fate{lives: 10 * minute}).needs("db", spec.Online),
		daemon("db", serves),
		daemon("cache", serves),
	}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(minute)
		api := s.app("api")
		if api.Blocked != "waits for app migrate" || !strings.Contains(strings.Join(api.Troubles(), ";"), api.Blocked) {
			t.Errorf("held = %q, troubles %q", api.Blocked, api.Troubles())
		}
		s.passes(time.Hour)
		wantSteps(t, s, "db/0", "0s launching", "100ms online")
		wantSteps(t, s, "migrate/0", "100ms launching", "200ms online", "10m0.1s stopped")
		wantSteps(t, s, "api/0", "10m0.1s launching", "10m0.2s online")
		if held := s.app("api").Blocked; held != "" {
			t.Errorf("held = %q when it runs", held)
		}
	})
}

// A migration may take longer than any grace: /livez must not fail for it.
func TestAnAppIsNotDownWhileItWaitsForOthers(t *testing.T) {
	apps := []part{
		daemon("api", serves).needs("migrate", spec.Completed),
		job("migrate", fate{lives: time.Hour}),
	}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(30 * minute)
		if down := s.app("api").DownSince; !down.IsZero() {
			t.Errorf("api is down since %v while it waits", down)
		}
		s.passes(30*minute + 50*time.Millisecond)
		if down := s.app("api").DownSince.Sub(s.begun); down != time.Hour {
			t.Errorf("api is down since %v of its own start, want 1h", down)
		}
	})
}

func TestAShortJobSatisfiesAnAppThatNeedsItOnline(t *testing.T) {
	apps := []part{daemon("api", serves).needs("warm", spec.Online), job("warm", fate{})}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(minute)
		wantSteps(t, s, "api/0", "0s launching", "100ms online")
	})
}

func TestAnAppIsNotStartedWhenWhatItNeedsHasFailed(t *testing.T) {
	for _, condition := range []spec.Condition{spec.Completed, spec.Online} {
		apps := []part{
			daemon("web", serves).needs("api", spec.Online),
			daemon("api", serves).needs("migrate", condition),
			job("migrate", crashes.with(3)),
		}
		enact(t, apps, Options{}, func(s *stage) {
			wantEnd(t, s, 3, 0)
			wantSteps(t, s, "api/0")
			wantSteps(t, s, "web/0")
			if got := s.Failure(); got != "app migrate failed: 3" {
				t.Errorf("Failure() = %q", got)
			}
			if held := s.app("api").Blocked; held != "not started: app migrate has failed" {
				t.Errorf("held = %q", held)
			}
		})
	}
}

func TestACriticalAppThatCannotBeStartedEndsGorun(t *testing.T) {
	apps := []part{daemon("cache", serves), daemon("api", serves).needs("migrate", spec.Completed).critical(), job("migrate", crashes.with(3))}
	enact(t, apps, Options{}, func(s *stage) { wantEnd(t, s, 3, 0) })
}

func TestAnAppThatNeedsOneThatIsNotStartedFails(t *testing.T) {
	spare := daemon("spare", serves).but(func(a *spec.App) { a.Autostart = false })
	apps := []part{daemon("api", serves).needs("spare", spec.Online), spare}
	enact(t, apps, Options{}, func(s *stage) {
		wantEnd(t, s, 1, 0)
		if got := s.Failure(); !strings.Contains(got, "autostart") {
			t.Errorf("Failure() = %q, want one that names autostart", got)
		}
	})
}

// An app that was online and has given up since is not online.
func TestWhatHasGivenUpIsNotThereForThoseThatComeLater(t *testing.T) {
	apps := []part{
		daemon("api", serves).needs("migrate", spec.Completed).needs("cache", spec.Online),
		job("migrate", fate{lives: time.Hour}),
		daemon("cache", fate{lives: 200 * time.Millisecond, status: reaper.Status{Code: 8}}),
	}
	enact(t, apps, Options{}, func(s *stage) {
		wantEnd(t, s, 8, time.Hour)
		wantSteps(t, s, "api/0")
	})
}

func TestAStopGoesAgainstTheOrderOfTheStart(t *testing.T) {
	slow := serves
	slow.stops = 3 * time.Second
	apps := []part{
		daemon("db", slow),
		daemon("api", slow).needs("db", spec.Online),
		daemon("web", slow).needs("api", spec.Online),
		daemon("other", slow),
	}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(minute)
		s.cancel()
		wantEnd(t, s, 0, minute+9*time.Second)
		for name, want := range map[string]time.Duration{
			"web/0": minute, "other/0": minute, "api/0": minute + 3*time.Second, "db/0": minute + 6*time.Second,
		} {
			if at := s.film.when(name, status.Stopping); at != want {
				t.Errorf("%s is stopping after %v, want %v", name, at, want)
			}
		}
	})
}

func TestAStopWhileAppsWaitForOthers(t *testing.T) {
	apps := []part{
		daemon("web", serves).needs("api", spec.Online),
		daemon("api", serves).needs("migrate", spec.Completed),
		job("migrate", refuses),
	}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(minute)
		s.cancel()
		wantEnd(t, s, 0, minute+8*time.Second)
		wantSteps(t, s, "api/0")
		if s.film.said("app not started") {
			t.Errorf("a stop is told as a failure: %q", s.film.lines)
		}
	})
}

func TestAppsStopInParallelEachInItsTime(t *testing.T) {
	obedient, stubborn := serves, refuses
	obedient.stops = time.Second
	apps := []part{daemon("a", obedient), daemon("b", stubborn)}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(minute)
		s.cancel()
		wantEnd(t, s, 0, minute+8*time.Second)
		wantSteps(t, s, "a/0", "0s launching", "100ms online", "1m0s stopping", "1m1s stopped")
	})
}

func TestShutdownDelay(t *testing.T) {
	enact(t, []part{daemon("api", serves)}, Options{ShutdownDelay: 3 * time.Second}, func(s *stage) {
		s.passes(minute)
		if s.Snapshot().ShuttingDown {
			t.Error("shutting down before anybody wants it")
		}
		s.cancel()
		s.passes(0)
		if state := s.api().State; !s.Snapshot().ShuttingDown || state != status.Online {
			t.Errorf("when the delay begins: shutting down = %v, api is %v, want true, online", s.Snapshot().ShuttingDown, state)
		}
		wantEnd(t, s, 0, minute+3*time.Second)
	})
}

func TestASecondSignalCutsTheShutdownDelayShort(t *testing.T) {
	enact(t, []part{daemon("api", serves)}, Options{ShutdownDelay: time.Hour}, func(s *stage) {
		s.cancel()
		s.passes(time.Second)
		s.kill()
		wantEnd(t, s, 0, time.Second)
	})
}

func TestTheReadinessOfAnApp(t *testing.T) {
	falls := crashes.after(10 * minute)
	api := daemon("api", falls, serves).but(func(a *spec.App) { a.Restart.Delay = 10 * time.Second })
	enact(t, []part{api}, Options{}, func(s *stage) {
		is := func(moment string, ready, down time.Duration, everReady bool) {
			t.Helper()
			a := s.app("api")
			if got := s.since(a.ReadySince); got != ready {
				t.Errorf("%s: ready since %v, want %v", moment, got, ready)
			}
			if got := s.since(a.DownSince); got != down {
				t.Errorf("%s: down since %v, want %v", moment, got, down)
			}
			if a.EverReady != everReady || a.Desired != 1 || a.Completed || a.NotStarted {
				t.Errorf("%s: %+v", moment, a)
			}
		}
		s.passes(50 * time.Millisecond)
		is("launching", -1, 0, false)
		s.passes(minute)
		is("online", 100*time.Millisecond, -1, true)
		s.passes(9 * minute)
		is("waiting restart", -1, 10*minute, true)
		s.passes(minute)
		is("online again", 10*minute+10*time.Second+100*time.Millisecond, -1, true)
	})
}

// since is how long after the beginning; -1: never.
func (s *stage) since(t time.Time) time.Duration {
	if t.IsZero() {
		return -1
	}
	return t.Sub(s.begun)
}

func TestReadyMinWorkersMakeAnAppReadyForTheFirstTime(t *testing.T) {
	api := daemon("api", serves).but(func(a *spec.App) { a.Instances, a.ReadyMin = 4, 2 })
	for _, test := range []struct {
		online int
		want   bool
	}{{0, false}, {1, false}, {2, true}, {3, true}} {
		enact(t, []part{api}, Options{}, func(s *stage) {
			for _, w := range s.apps.all()[0].Published().Workers[test.online:] {
				w.Restart(status.ByMemory) // while it launches
			}
			s.passes(time.Second)
			if got := s.app("api").EverReady; got != test.want {
				t.Errorf("with %d of 4 workers online, ready_min 2: EverReady = %v", test.online, got)
			}
		})
	}
}

func TestAJobThatEndedWellIsCompleted(t *testing.T) {
	apps := []part{daemon("api", serves), job("migrate", fate{lives: minute}).but(func(a *spec.App) { a.Instances = 2 })}
	enact(t, apps, Options{}, func(s *stage) {
		s.passes(30 * time.Second)
		if a := s.app("migrate"); a.Completed || a.Desired != 2 {
			t.Errorf("while it runs: %+v", a)
		}
		s.passes(time.Hour)
		if a := s.app("migrate"); !a.Completed || !a.EverReady || a.Desired != 0 || !a.DownSince.IsZero() {
			t.Errorf("when it has ended: %+v", a)
		}
	})
}

func TestAnAppWithoutAutostartRests(t *testing.T) {
	spare := daemon("spare", serves).but(func(a *spec.App) { a.Autostart = false })
	enact(t, []part{spare, daemon("api", serves)}, Options{}, func(s *stage) {
		s.passes(time.Hour)
		if a := s.app("spare"); !a.NotStarted || a.Desired != 0 || !a.DownSince.IsZero() || !a.EverReady {
			t.Errorf("spare: %+v", a)
		}
		wantSteps(t, s, "spare/0")
		if !s.film.said("ready in=") {
			t.Error("not said to be ready")
		}
	})
}

func TestADependencyThatThereIsNotIsRefused(t *testing.T) {
	api := daemon("api", serves).needs("nobody", spec.Online)
	if _, err := New([]spec.App{api.app}, Options{Output: newOutput(t)}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("New = %v, want an error that names it", err)
	}
}
