package supervisor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// byDefault is an app that says nothing about restarts.
func byDefault(fates ...fate) part {
	return daemon("api", fates...).but(func(a *spec.App) {
		a.Restart = restart.Policy{
			Auto: true, MaxUnstable: 16, MinUptime: time.Second, FailureUptime: restart.DefaultFailureUptime,
			Backoff: 100 * time.Millisecond, MaxDelay: 15 * time.Second,
		}
	})
}

// A program that boots for 1.5 s and then fails was restarted at once for ever.
func TestL23ACrashLoopIsSlowedDownWhateverItsLives(t *testing.T) {
	for _, lives := range []time.Duration{100 * time.Millisecond, 1100 * time.Millisecond, 1500 * time.Millisecond, 5 * time.Second, 29 * time.Second} {
		t.Run(lives.String(), func(t *testing.T) {
			enact(t, []part{byDefault(crashes.with(3).after(lives))}, Options{}, func(s *stage) {
				code, after := s.end()
				// 15 or 16 delays: 100 ms × 1.5ⁿ until 15 s, each a tenth more or less.
				if after -= 17 * lives; code != 3 || after < 55*time.Second || after > 90*time.Second {
					t.Errorf("ended with %d after %v of delays, want 3 after 65 to 80s", code, after)
				}
				if st := s.api(); st.State != status.Errored || st.Starts != 17 || st.Restarts[status.ByExit] != 16 {
					t.Errorf("at the end: %+v", st)
				}
			})
		})
	}
}

func TestL23ACleanExitIsUnstableOnlyBelowMinUptime(t *testing.T) {
	enact(t, []part{byDefault(fate{lives: 1100 * time.Millisecond})}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if st := s.api(); st.Starts != 55 || st.Unstable != 0 {
			t.Errorf("after a minute of lives of 1.1 s: %d starts, %d unstable, want 55 without a delay", st.Starts, st.Unstable)
		}
	})
	enact(t, []part{byDefault(fate{lives: 900 * time.Millisecond})}, Options{}, func(s *stage) {
		if code, _ := s.end(); code != 1 || s.api().State != status.Errored {
			t.Errorf("lives of 0.9 s: ended with %d, %v", code, s.api().State)
		}
	})
}

func TestL23EveryFailureCounts(t *testing.T) {
	killed := crashes.after(5 * time.Second)
	killed.status.Signal, killed.status.Code = 9, 0
	enact(t, []part{byDefault(killed)}, Options{}, func(s *stage) {
		if code, _ := s.end(); code != 137 || s.api().Unstable != 17 {
			t.Errorf("killed again and again: ended with %d, %d unstable runs", code, s.api().Unstable)
		}
	})
}

func TestL23AMinUptimeOfTheFileHoldsForFailures(t *testing.T) {
	api := byDefault(crashes.after(1500 * time.Millisecond)).but(func(a *spec.App) { a.Restart.FailureUptime = 0 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if st := s.api(); st.Starts != 41 || st.Unstable != 0 {
			t.Errorf("after a minute of lives of 1.5 s: %d starts, %d unstable, want 41 without a delay", st.Starts, st.Unstable)
		}
	})
}

// Unstable runs were forgotten only by the end of the run that had lasted.
func TestL23ARunThatLastsForgetsTheLoop(t *testing.T) {
	failing := crashes.after(1500 * time.Millisecond)
	enact(t, []part{byDefault(failing, failing, failing, serves)}, Options{}, func(s *stage) {
		s.passes(30 * time.Second)
		if st := s.api(); st.Unstable != 3 || !st.CrashLooping() {
			t.Errorf("while its last run is young: %+v", st)
		}
		s.passes(10 * time.Second)
		if st := s.api(); st.Unstable != 0 || st.CrashLooping() || len(s.app("api").Troubles()) > 0 {
			t.Errorf("after 30 s of life: %+v, %v", st, s.app("api").Troubles())
		}
	})
}

func TestL23ACrashLoopIsToldAndIsNoHealth(t *testing.T) {
	enact(t, []part{byDefault(crashes.after(1500 * time.Millisecond)), daemon("other", serves)}, Options{}, func(s *stage) {
		s.passes(40 * time.Second)
		for s.api().State != status.WaitingRestart {
			s.passes(100 * time.Millisecond)
		}
		next := s.api().NextStart()
		left := int((time.Until(next) + time.Second - 1) / time.Second)
		want := fmt.Sprintf("worker 0 is crash looping, next start in %d s, last exit 1", left)
		if got := s.app("api").Troubles(); len(got) != 1 || got[0] != want {
			t.Errorf("troubles: %q, want %q", got, want)
		}
		if down := s.since(s.app("api").DownSince); down != 1500*time.Millisecond {
			t.Errorf("down since %v, want since its first failure", down)
		}
		s.passes(time.Until(next) + time.Second)
		if st := s.api(); st.State != status.Launching {
			t.Errorf("a second after the next start it is %v, though each run has failed after that", st.State)
		}
		if got := s.app("api").Troubles(); len(got) != 1 || !strings.Contains(got[0], "crash looping") {
			t.Errorf("troubles while it runs: %q", got)
		}
	})
}

// What fails while it serves is online in between, but not well.
func TestL23AServerThatFailsAgainAndAgainIsDown(t *testing.T) {
	failing := listens(100*time.Millisecond, 0)
	failing.lives, failing.status.Code = 10*time.Second, 1
	enact(t, []part{byDefault(failing).but(shares)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		for s.api().State != status.Online {
			s.passes(100 * time.Millisecond)
		}
		if app := s.app("api"); app.Serving() != 1 || s.since(app.DownSince) != 10*time.Second {
			t.Errorf("serving %d, down since %v", app.Serving(), s.since(app.DownSince))
		}
	})
}
