package supervisor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gorun/health"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// examined is an app whose workers listen at once, and are well or not as the
// test says.
func examined(action health.Action) (part, *opening) {
	door := &opening{examined: true, says: forever}
	f := serves
	f.opens = door
	return daemon("api", f).but(shares).but(func(a *spec.App) {
		a.Health = &health.Check{OnFailure: action, StartPeriod: time.Minute}
	}), door
}

func TestAWorkerIsOnlineWhenItsHealthCheckSucceeds(t *testing.T) {
	api, door := examined(health.Restart)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(10 * time.Second)
		door.checked <- health.Result{Condition: health.Unknown}
		s.passes(10 * time.Second)
		if state := s.api().State; state != status.Launching {
			t.Errorf("before the first success: %v", state)
		}
		door.checked <- health.Result{OK: true, Condition: health.Healthy}
		s.passes(time.Minute)
		wantSteps(t, s, "api/0", "0s launching", "20s online")
		if p := s.api().Probe; !p.Up || p.Checks != 2 || p.Failures != 1 {
			t.Errorf("probe = %+v", p)
		}
	})
}

func TestAWorkerThatIsNeverFoundWellHasFailedToStart(t *testing.T) {
	api, _ := examined(health.Restart)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(59 * time.Second)
		wantSteps(t, s, "api/0", "0s launching")
		s.passes(1500 * time.Millisecond)
		wantSteps(t, s, "api/0", "0s launching", "1m0s stopping", "1m0s waiting restart")
		if s.api().Unstable != 1 {
			t.Error("that was no unstable run")
		}
	})
}

// L27: why the last check failed is in the worker's status, the events, and the error of
// whoever waits for the start.
func TestL27WhyACheckFailedIsSaidWhereverTheStartIs(t *testing.T) {
	api, door := examined(health.Restart)
	enact(t, []part{api}, Options{}, func(s *stage) {
		door.checked <- health.Result{Text: "connection refused", Condition: health.Unknown}
		s.passes(10 * time.Second)
		if p := s.api().Probe; p.Up || p.Text != "connection refused" {
			t.Errorf("while it starts: %+v", p)
		}
		s.passes(50*time.Second + 500*time.Millisecond)
		if got := s.api().LastError; !strings.Contains(got, "connection refused") {
			t.Errorf("last error %q", got)
		}
		events, _ := s.Events(t.Context(), 0)
		if !slices.ContainsFunc(events, func(e status.Event) bool { return e.Kind == "exit" && strings.Contains(e.Text, "connection refused") }) {
			t.Errorf("events %+v", events)
		}
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: theAPI[:]}); err != nil {
			t.Fatal(err)
		}
		go func() { door.checked <- health.Result{Text: "404 Not Found", Condition: health.Unknown} }()
		if _, _, err := s.do(spec.Order{Verb: spec.Start, Targets: theAPI[:]}); err == nil || !strings.Contains(err.Error(), "404 Not Found") {
			t.Errorf("start: %v", err)
		}
		door.checked <- health.Result{OK: true, Condition: health.Healthy}
		s.passes(time.Second)
		door.checked <- health.Result{Text: "503 Service Unavailable", Condition: health.Unhealthy}
		s.passes(time.Second)
		events, _ = s.Events(t.Context(), 0)
		if !slices.ContainsFunc(events, func(e status.Event) bool { return e.Kind == "health" && strings.Contains(e.Text, "503") }) {
			t.Errorf("no event of a worker that is unhealthy: %+v", events)
		}
	})
}

func TestAnUnhealthyWorkerIsRestarted(t *testing.T) {
	api, door := examined(health.Restart)
	enact(t, []part{api}, Options{}, func(s *stage) {
		door.checked <- health.Result{OK: true, Condition: health.Healthy}
		s.passes(time.Minute)
		door.checked <- health.Result{Text: "500", Condition: health.Unhealthy}
		s.passes(2 * time.Second)
		wantSteps(t, s, "api/0", "0s launching", "0s online", "1m0s stopping", "1m0s waiting restart", "1m1s launching")
		if n := s.api().Restarts[status.ByHealth]; n != 1 {
			t.Errorf("%d restarts for its health", n)
		}
		if !s.film.said("worker is unhealthy") {
			t.Error("it is not said")
		}
	})
}

func TestAnUnreadyWorkerGetsNothingUntilItRecovers(t *testing.T) {
	api, door := examined(health.Unready)
	enact(t, []part{api}, Options{}, func(s *stage) {
		for i, condition := range []health.Condition{health.Healthy, health.Unhealthy, health.Unhealthy, health.Healthy} {
			door.checked <- health.Result{Condition: condition, Text: "500"}
			s.passes(time.Second)
			app, want := s.app("api"), 1
			if condition == health.Unhealthy {
				want = 0
			}
			if app.Online() != 1 || app.Serving() != want || (want == 0) != strings.Contains(strings.Join(app.Troubles(), ""), "unhealthy: 500") {
				t.Errorf("after result %d: %d online, %d serving, troubles %q", i, app.Online(), app.Serving(), app.Troubles())
			}
		}
		if want := []string{"0s online", "1s offline", "3s online"}; !slices.Equal(door.notes, want) {
			t.Errorf("the door: %q, want %q", door.notes, want)
		}
		wantSteps(t, s, "api/0", "0s launching", "0s online")
	})
}

func TestAReplacementMustBeHealthy(t *testing.T) {
	api, door := examined(health.Restart)
	enact(t, []part{api}, Options{}, func(s *stage) {
		door.checked <- health.Result{OK: true, Condition: health.Healthy}
		s.passes(time.Minute)
		before := s.pids("api")
		_, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]})
		if err == nil || !strings.Contains(err.Error(), "missing a health check that succeeds") || took != time.Minute {
			t.Errorf("reload: %v after %v", err, took)
		}
		if got := s.pids("api"); !slices.Equal(got, before) {
			t.Errorf("pids %v, want the old ones, %v", got, before)
		}
	})
}

func TestAWorkerThatKeepsNoWatchdogQuietIsRestarted(t *testing.T) {
	api := daemon("api", serves).but(func(a *spec.App) { a.Watchdog = 10 * time.Second })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(11 * time.Second)
		wantSteps(t, s, "api/0", "0s launching", "100ms online", "10.1s stopping", "10.1s waiting restart")
		if s.passes(time.Second); s.api().Restarts[status.ByWatchdog] != 1 {
			t.Errorf("restarts = %v", s.api().Restarts)
		}
	})
}
