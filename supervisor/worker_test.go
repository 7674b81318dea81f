package supervisor

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

func TestACrashLoopEndsErrored(t *testing.T) {
	enact(t, []part{daemon("api", crashes.with(7))}, Options{}, func(s *stage) {
		wantEnd(t, s, 7, 2*time.Second)
		wantSteps(t, s, "api/0",
			"0s launching", "0s waiting restart",
			"1s launching", "1s waiting restart",
			"2s launching", "2s errored")
		st := s.api()
		if st.Unstable != 3 || st.Starts != 3 || st.Restarts[status.ByExit] != 2 || st.Exits[status.Failure] != 3 {
			t.Errorf("after three crashes: %+v", st)
		}
	})
}

func TestTheDelaysOfACrashLoopGrow(t *testing.T) {
	api := daemon("api", crashes).but(func(a *spec.App) {
		a.Restart.MaxUnstable, a.Restart.Delay = 16, 0
		a.Restart.Backoff, a.Restart.MaxDelay = 100*time.Millisecond, 15*time.Second
	})
	enact(t, []part{api}, Options{}, func(s *stage) {
		_, after := s.end()
		// 16 delays: 100 ms × 1.5ⁿ until 15 s, each a tenth more or less.
		if after < 70*time.Second || after > 90*time.Second {
			t.Errorf("errored after %v, want about 80s", after)
		}
		last, begun := time.Duration(0), time.Duration(0)
		for i, one := range s.film.steps {
			if one.to == status.Launching {
				if delay := one.at - begun; i > 0 && delay < last && last < 13*time.Second {
					t.Errorf("a delay of %v follows one of %v", delay, last)
				}
				last, begun = one.at-begun, one.at
			}
		}
		if st := s.api(); st.Starts != 17 || st.State != status.Errored {
			t.Errorf("starts = %d, state = %v, want 17, errored", st.Starts, st.State)
		}
	})
}

func TestAProgramThatCannotBeStartedIsTriedAgain(t *testing.T) {
	gone := fate{err: fmt.Errorf("start: %w", fs.ErrNotExist)}
	enact(t, []part{daemon("api", gone, gone, serves)}, Options{}, func(s *stage) {
		s.passes(time.Second)
		if st := s.api(); st.LastExit.Code != 127 || st.LastError == "" || st.Exits[status.Failure] != 2 {
			t.Errorf("while it is not there: %+v", st)
		}
		s.passes(2 * time.Second)
		wantSteps(t, s, "api/0",
			"0s launching", "0s waiting restart",
			"1s launching", "1s waiting restart",
			"2s launching", "2.1s online")
		if st := s.api(); st.LastError != "" || st.Starts != 1 {
			t.Errorf("when it is there: %+v", st)
		}
	})
}

func TestAStableRunResetsTheCount(t *testing.T) {
	stable := crashes.after(time.Second)
	enact(t, []part{daemon("api", crashes, crashes, stable, crashes, crashes, crashes)}, Options{}, func(s *stage) {
		wantEnd(t, s, 1, 6*time.Second)
		if starts := s.api().Starts; starts != 6 {
			t.Errorf("starts = %d, want 6", starts)
		}
	})
}

func TestAStableWorkerIsReplacedAtOnce(t *testing.T) {
	api := daemon("api", crashes.after(time.Hour), serves).but(func(a *spec.App) {
		a.Restart.Delay, a.Restart.Backoff, a.Restart.MaxDelay = 0, time.Minute, time.Hour
	})
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(2 * time.Hour)
		wantSteps(t, s, "api/0",
			"0s launching", "100ms online", "1h0m0s waiting restart",
			"1h0m0s launching", "1h0m0.1s online")
	})
}

func TestAWorkerOverItsMemoryGoesThroughThePolicy(t *testing.T) {
	slow := serves
	slow.stops = 2 * time.Second
	enact(t, []part{daemon("api", slow)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		s.worker("api").Restart(status.ByMemory)
		s.passes(time.Minute)
		wantSteps(t, s, "api/0",
			"0s launching", "100ms online", "1m0s stopping", "1m2s waiting restart",
			"1m3s launching", "1m3.1s online")
		st := s.api()
		if st.Restarts[status.ByMemory] != 1 || st.Unstable != 0 || st.Exits[status.Clean] != 1 {
			t.Errorf("after a memory restart: %+v", st)
		}
		if exit := st.LastExit; exit.Uptime != time.Minute+2*time.Second || exit.At.Sub(s.begun) != exit.Uptime {
			t.Errorf("last exit = %+v, want at its end after 1m2s", exit)
		}
	})
}

func TestAWorkerThatIsAlwaysOverItsMemoryIsGivenUp(t *testing.T) {
	api := daemon("api", serves).but(func(a *spec.App) { a.Restart.MinUptime = time.Minute })
	enact(t, []part{api}, Options{}, func(s *stage) {
		for range 3 {
			s.worker("api").Restart(status.ByMemory)
			s.passes(2 * time.Second)
		}
		wantEnd(t, s, 143, 4*time.Second)
		wantSteps(t, s, "api/0",
			"0s launching", "0s stopping", "0s waiting restart",
			"1s launching", "1.1s online", "2s stopping", "2s waiting restart",
			"3s launching", "3.1s online", "4s stopping", "4s errored")
	})
}

// It took the memory check's second request, made while the worker stopped,
// for a wish to restart at once.
func TestALateMemoryRequestDoesNotCutTheDelay(t *testing.T) {
	slow := serves
	slow.stops = 3 * time.Second
	enact(t, []part{daemon("api", slow)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		s.worker("api").Restart(status.ByMemory)
		s.passes(time.Second)
		s.worker("api").Restart(status.ByMemory)
		s.passes(time.Minute)
		wantSteps(t, s, "api/0",
			"0s launching", "100ms online", "1m0s stopping", "1m3s waiting restart",
			"1m4s launching", "1m4.1s online")
	})
}

// A worker that gorun stops for its memory may well end with code 0: that is
// no wish to stay stopped.
func TestAStopCodeCountsOnlyWhereTheWorkerEndedByItself(t *testing.T) {
	obedient := fate{lives: forever}
	api := daemon("api", obedient, obedient.after(time.Minute)).but(func(a *spec.App) { a.Restart.StopCodes = []int{0} })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		s.worker("api").Restart(status.ByMemory)
		s.passes(time.Hour)
		wantSteps(t, s, "api/0",
			"0s launching", "100ms online", "1m0s stopping", "1m0s waiting restart",
			"1m1s launching", "1m1.1s online", "2m1s stopped")
		wantEnd(t, s, 0, 2*time.Minute+time.Second)
	})
}

func TestAJobThatOutgrewItsMemoryHasFailed(t *testing.T) {
	enact(t, []part{job("migrate", fate{lives: forever})}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		s.worker("migrate").Restart(status.ByMemory)
		wantEnd(t, s, 1, time.Minute)
		if s.app("migrate").Completed {
			t.Error("it counts as completed")
		}
	})
}

func TestAManualRestartHappensAtOnceAndNeverCounts(t *testing.T) {
	enact(t, []part{daemon("api", serves)}, Options{}, func(s *stage) {
		s.passes(500 * time.Millisecond)
		s.restarts()
		s.passes(500 * time.Millisecond)
		wantSteps(t, s, "api/0",
			"0s launching", "100ms online", "500ms stopping",
			"500ms launching", "600ms online")
		if st := s.api(); st.Restarts[status.ByManual] != 1 || st.Unstable != 0 {
			t.Errorf("after a manual restart: %+v", st)
		}
	})
}

func TestAManualRestartEndsTheDelay(t *testing.T) {
	enact(t, []part{daemon("api", crashes, serves)}, Options{}, func(s *stage) {
		s.passes(300 * time.Millisecond)
		if backoff := s.api().Backoff; backoff != time.Second {
			t.Errorf("backoff = %v while it waits, want 1s", backoff)
		}
		s.restarts()
		s.passes(time.Second)
		wantSteps(t, s, "api/0", "0s launching", "0s waiting restart", "300ms launching", "400ms online")
		st := s.api()
		if st.Restarts[status.ByManual] != 1 || st.Restarts[status.ByExit] != 0 || st.Backoff != 0 {
			t.Errorf("after a manual restart: %+v", st)
		}
	})
}

// restarts orders a restart, and does not wait for it.
func (s *stage) restarts() {
	go func() { _, _, _ = s.do(spec.Order{Verb: spec.Restart, Targets: theAPI[:]}) }()
}

func TestAStopInAnyState(t *testing.T) {
	slow := serves
	slow.stops = 2 * time.Second
	for _, test := range []struct {
		name  string
		fate  fate
		at    time.Duration
		also  func(*stage)
		after time.Duration
		want  []string
	}{
		{"launching", slow, 50 * time.Millisecond, nil, 2050 * time.Millisecond, []string{"0s launching", "50ms stopping", "2.05s stopped"}},
		{"online", slow, time.Second, nil, 3 * time.Second, []string{"0s launching", "100ms online", "1s stopping", "3s stopped"}},
		{"waiting restart", crashes, 500 * time.Millisecond, nil, 500 * time.Millisecond, []string{"0s launching", "0s waiting restart", "500ms stopped"}},
		{
			"stopping for its memory", slow, 2 * time.Second, func(s *stage) { s.worker("api").Restart(status.ByMemory) }, 3 * time.Second,
			[]string{"0s launching", "100ms online", "1s stopping", "3s stopped"},
		},
		{
			"stopping for a restart", slow, 2 * time.Second, func(s *stage) { s.restarts() }, 3 * time.Second,
			[]string{"0s launching", "100ms online", "1s stopping", "3s stopped"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			enact(t, []part{daemon("api", test.fate)}, Options{}, func(s *stage) {
				if test.also != nil {
					s.passes(time.Second)
					test.also(s)
				}
				s.passes(test.at - time.Since(s.begun))
				s.cancel()
				wantEnd(t, s, 0, test.after)
				wantSteps(t, s, "api/0", test.want...)
				if st := s.api(); st.Pid != 0 || st.State != status.Stopped || st.Restarts[status.ByMemory]+st.Restarts[status.ByManual] != 0 {
					t.Errorf("at the end: %+v", st)
				}
			})
		})
	}
}

func TestTheGraceEndsWithAKill(t *testing.T) {
	enact(t, []part{daemon("api", refuses)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		s.cancel()
		wantEnd(t, s, 0, time.Minute+8*time.Second)
		st := s.api()
		if st.ForcedKills != 1 || st.Exits[status.Killed] != 1 || st.LastExit.Text != "137 = SIGKILL, by gorun after the grace" {
			t.Errorf("after a kill: %+v, last exit %+v", st, st.LastExit)
		}
	})
}

func TestASecondSignalEndsTheGrace(t *testing.T) {
	enact(t, []part{daemon("api", refuses), daemon("db", refuses)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		s.cancel()
		s.passes(time.Second)
		s.kill()
		_, after := s.end()
		if after != time.Minute+time.Second {
			t.Errorf("ended after %v, want 1m1s", after)
		}
	})
}

func TestWhatADeadWorkerLeavesIsEndedBeforeTheNext(t *testing.T) {
	messy := crashes.after(time.Minute)
	messy.leaves, messy.stops = 2, 5*time.Second
	enact(t, []part{daemon("api", messy, serves)}, Options{}, func(s *stage) {
		s.passes(2 * time.Minute)
		wantSteps(t, s, "api/0",
			"0s launching", "100ms online", "1m0s stopping", "1m5s waiting restart",
			"1m6s launching", "1m6.1s online")
		exit := s.api().LastExit
		if exit.Code != 1 || exit.Outcome != status.Failure || exit.Uptime != time.Minute {
			t.Errorf("last exit = %+v, want code 1 after 1m0s", exit)
		}
	})
}

func TestWithoutTreekillADeadWorkersChildrenAreLeftAlone(t *testing.T) {
	messy := crashes.after(time.Minute)
	messy.leaves = 2
	api := daemon("api", messy, serves).but(func(a *spec.App) { a.TreeKill = false })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(2 * time.Minute)
		wantSteps(t, s, "api/0",
			"0s launching", "100ms online", "1m0s waiting restart",
			"1m1s launching", "1m1.1s online")
	})
}

func TestAStalledReaderHoldsUpNoRestartForLong(t *testing.T) {
	stalled := crashes.after(time.Minute)
	stalled.stalls = make(chan int, 1)
	api := daemon("api", stalled, serves).but(func(a *spec.App) { a.Restart.Delay = 0 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Hour)
		wantSteps(t, s, "api/0",
			"0s launching", "100ms online", "1m0.1s waiting restart", "1m0.1s launching", "1m0.2s online")
		if at := s.api().LastExit.At; at.Sub(s.begun) != time.Minute {
			t.Errorf("last exit after %v, want 1m", at.Sub(s.begun))
		}
	})
}
