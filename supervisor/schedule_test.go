package supervisor

import (
	"strings"
	"testing"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// nightly is a job that the clock starts every ten minutes, and nothing else.
func nightly(f fate) part {
	return job("nightly", f).but(func(a *spec.App) { a.Autostart, a.Cron = false, "*/10 * * * *" })
}

// A job that had failed gated /readyz until its next success, and read as dead.
func TestL26AFailedJobWaitsForItsSchedule(t *testing.T) {
	failing := crashes.with(3).after(time.Minute)
	enact(t, []part{nightly(failing), daemon("web", serves)}, Options{}, func(s *stage) {
		begun := time.Now()
		first := begun.Truncate(10 * time.Minute).Add(10 * time.Minute)
		s.passes(time.Second)
		if app := s.app("nightly"); !app.NextRun.Equal(first) || !strings.HasPrefix(app.Waiting(begun), "waiting for ") || strings.Contains(app.Waiting(begun), "last run") {
			t.Errorf("before its first run: next %v, %q", app.NextRun, app.Waiting(begun))
		}
		s.passes(time.Until(first) + 30*time.Second)
		if app := s.app("nightly"); !app.Scheduled || !app.NextRun.IsZero() || app.Online() != 1 {
			t.Errorf("while it runs: %+v", app)
		}
		s.passes(time.Minute)
		app := s.app("nightly")
		next := first.Add(10 * time.Minute)
		want := "waiting for " + next.Format("15:04") + ", last run 3"
		if got := app.Waiting(time.Now()); got != want || !app.NextRun.Equal(next) || app.Desired != 0 || app.Errored() {
			t.Errorf("after its first run: %q, want %q; %+v", got, want, app)
		}
		if w := app.Workers[0]; w.FailedRuns != 1 || w.State != status.Stopped || w.CrashLooping() {
			t.Errorf("its worker: %+v", w)
		}
		if !s.film.said("next=waiting for " + next.Format("15:04")) {
			t.Errorf("not said: %q", s.film.lines)
		}
		s.passes(time.Hour)
		if w := s.app("nightly").Workers[0]; w.FailedRuns != 7 || w.Starts != 7 {
			t.Errorf("after an hour: %+v, want 7 runs that failed", w)
		}
	})
}

func TestL26AJobThatSucceedsCountsNoFailure(t *testing.T) {
	enact(t, []part{nightly(fate{lives: time.Minute}), daemon("web", serves)}, Options{}, func(s *stage) {
		s.passes(65 * time.Minute)
		app := s.app("nightly")
		if w := app.Workers[0]; w.FailedRuns != 0 || w.Starts < 5 || !app.Completed || !strings.HasSuffix(app.Waiting(time.Now()), ", last run 0") {
			t.Errorf("%q; %+v", app.Waiting(time.Now()), w)
		}
	})
}

// The first failed run of the only app ended gorun.
func TestL26AGorunOfOneJobWaitsForItsSchedule(t *testing.T) {
	for _, autostart := range []bool{false, true} {
		only := nightly(crashes.with(3)).but(func(a *spec.App) { a.Autostart = autostart })
		enact(t, []part{only}, Options{}, func(s *stage) {
			s.passes(65 * time.Minute)
			if w := s.app("nightly").Workers[0]; w.Starts < 6 {
				t.Errorf("autostart %v: %d starts", autostart, w.Starts)
			}
			if !s.film.said("ready in=") {
				t.Errorf("autostart %v: gorun is not said to be ready", autostart)
			}
		})
		enact(t, []part{only.critical()}, Options{}, func(s *stage) {
			if code, _ := s.end(); code != 3 {
				t.Errorf("critical: ended with %d, want 3", code)
			}
		})
	}
}

// What the clock starts again is not waiting where it is errored or stopped.
func TestL26WhoIsErroredOrStoppedDoesNotWait(t *testing.T) {
	web := daemon("web", serves)
	enact(t, []part{daemon("api", crashes).but(func(a *spec.App) { a.Cron = "0 0 1 1 *" }), web}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if app := s.app("api"); !app.NextRun.IsZero() || !app.Errored() {
			t.Errorf("errored: %+v", app)
		}
	})
	enact(t, []part{nightly(crashes), web}, Options{}, func(s *stage) {
		_, _, _ = s.do(spec.Order{Verb: spec.Stop, Targets: []status.Target{{App: "nightly", Instance: status.EveryWorker}}})
		s.passes(time.Hour)
		if app := s.app("nightly"); !app.NextRun.IsZero() || app.Workers[0].Starts != 0 {
			t.Errorf("stopped: %+v", app)
		}
	})
}
