package supervisor

import (
	"strings"
	"testing"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// retried is an app that is given up at its third crash, and tried again after 5 min.
func retried(fates ...fate) part {
	return daemon("api", fates...).but(func(a *spec.App) { a.Restart.ErroredRetry = 5 * time.Minute })
}

// A worker that was given up stayed dead for ever beside others that served.
func TestL24AnErroredWorkerIsTriedAgain(t *testing.T) {
	enact(t, []part{retried(crashes, crashes, crashes, crashes, serves), daemon("other", serves)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if got := s.app("api").Troubles(); len(got) != 1 || got[0] != "worker 0 is errored, last exit 1, tried again in 5 min" {
			t.Errorf("troubles: %q", got)
		}
		s.passes(15 * time.Minute)
		wantSteps(t, s, "api/0",
			"0s launching", "0s waiting restart", "1s launching", "1s waiting restart", "2s launching", "2s errored",
			"5m2s launching", "5m2s errored", "10m2s launching", "10m2.1s online")
		st := s.api()
		if st.Restarts[status.ByRetry] != 2 || st.Restarts[status.ByExit] != 2 || st.Unstable != 0 || s.app("api").Errored() {
			t.Errorf("after two tries: %+v", st)
		}
	})
}

func TestL24OneErroredWorkerOfThreeIsTriedAgain(t *testing.T) {
	enact(t, []part{retried(serves).but(func(a *spec.App) { a.Instances = 3 })}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		s.scripts.set("api", []fate{crashes})
		_, _, _ = s.do(spec.Order{Verb: spec.Restart, Targets: []status.Target{{App: "api", Instance: 1}}})
		s.passes(time.Minute)
		if n := s.app("api").Count(status.Errored); n != 1 {
			t.Fatalf("%d workers are errored, want 1", n)
		}
		s.scripts.set("api", []fate{serves})
		s.passes(5 * time.Minute)
		wantOnline(t, s, "api", 3)
	})
}

func TestL24AnErroredWorkerIsLeftAlone(t *testing.T) {
	stop := func(s *stage, instance int) {
		_, _, _ = s.do(spec.Order{Verb: spec.Stop, Targets: []status.Target{{App: "api", Instance: instance}}})
	}
	for name, test := range map[string]struct {
		api  part
		does func(*stage)
	}{
		"errored_retry: 0":   {daemon("api", crashes), func(*stage) {}},
		"the app is stopped": {retried(crashes), func(s *stage) { stop(s, status.EveryWorker) }},
		"it is stopped":      {retried(crashes), func(s *stage) { stop(s, 0) }},
	} {
		t.Run(name, func(t *testing.T) {
			enact(t, []part{test.api, daemon("other", serves)}, Options{}, func(s *stage) {
				s.passes(time.Minute)
				test.does(s)
				s.passes(time.Hour)
				if st := s.api(); st.Starts != 3 || st.State != status.Errored || st.Restarts[status.ByRetry] != 0 {
					t.Errorf("after an hour: %+v", st)
				}
				if got := s.app("api").Troubles(); len(got) > 0 && strings.Contains(got[0], "tried again") {
					t.Errorf("troubles: %q", got)
				}
				if _, _, err := s.do(spec.Order{Verb: spec.Start, Targets: theAPI[:]}); err == nil || s.api().Starts != 4 {
					t.Errorf("gorun start: %v, %d starts, want another one, which fails", err, s.api().Starts)
				}
			})
		})
	}
}

func TestL24GorunEndsWhenNothingElseRuns(t *testing.T) {
	enact(t, []part{retried(crashes.with(7))}, Options{}, func(s *stage) { wantEnd(t, s, 7, 2*time.Second) })
}
