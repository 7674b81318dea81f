package supervisor

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gorun/supervisor/app/jobs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// What is here went wrong once.

// It ended gorun: between the old app and the new there was none.
func TestAnAppThatSharesInAnotherWayIsExchanged(t *testing.T) {
	api := daemon("api", serves)
	enact(t, []part{api, job("migrate", fate{})}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		next := api.but(func(a *spec.App) { a.Port, a.Autostart = 80, false })
		if err := s.Apply(context.Background(), spec.Revision{Apps: []spec.App{next.app}, Partial: true}, func(status.Progress) {}); err != nil {
			t.Error(err)
		}
		s.passes(time.Minute)
		if app := s.app("api"); len(s.Snapshot().Apps) != 2 || s.worker("api").Published().Spec.Port != 80 {
			t.Errorf("after the exchange: %d apps, %+v", len(s.Snapshot().Apps), app)
		}
	})
}

// The app forgot for good what it waited for.
func TestAReloadWhileAnAppWaitsChangesNothingButItsConfiguration(t *testing.T) {
	web := daemon("web", serves).needs("migrate", spec.Completed)
	migrate := job("migrate", fate{lives: time.Minute})
	enact(t, []part{web, migrate}, Options{}, func(s *stage) {
		s.passes(time.Second)
		if err := s.Apply(context.Background(), spec.Revision{Apps: []spec.App{web.app, migrate.app}, All: true, Partial: true}, func(status.Progress) {}); err != nil {
			t.Error(err)
		}
		s.passes(2 * time.Minute)
		wantOnline(t, s, "web", 1)
	})
}

// The reload was never answered, and gorun could not stop any more.
func TestAFallbackForAWorkerThatIsGone(t *testing.T) {
	api := daemon("api", listens(time.Second, 0)).but(shares).but(func(a *spec.App) { a.Instances, a.ReloadFallback = 2, true })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		reloaded := make(chan error)
		go func() {
			_, _, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]})
			reloaded <- err
		}()
		s.passes(500 * time.Millisecond)
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: []status.Target{{App: "api", Instance: 1}}}); err != nil {
			t.Error(err)
		}
		if err := <-reloaded; !errors.Is(err, worker.ErrStopped) {
			t.Errorf("reload: %v", err)
		}
	})
}

// One stop of one worker made every later end of the app look wanted.
func TestAFailureCountsAfterAStopAndAStart(t *testing.T) {
	api := daemon("api", serves, crashes.after(time.Hour), crashes.with(7)).but(func(a *spec.App) { a.Critical = true })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		for _, verb := range []spec.Verb{spec.Stop, spec.Start} {
			if _, _, err := s.do(spec.Order{Verb: verb, Targets: []status.Target{{App: "api", Instance: 0}}}); err != nil {
				t.Error(err)
			}
		}
		if code, _ := s.end(); code != 7 {
			t.Errorf("code %d, want the app's, 7", code)
		}
	})
}

func TestAFailureIsForgottenWhenItsWorkerIsStartedAgain(t *testing.T) {
	ends := daemon("job", crashes.with(3), fate{lives: time.Minute}).but(func(a *spec.App) { a.Restart.Auto = false })
	enact(t, []part{ends, job("other", fate{lives: time.Hour})}, Options{}, func(s *stage) {
		s.passes(time.Second)
		if _, _, err := s.do(spec.Order{Verb: spec.Start, Targets: []status.Target{{App: "job", Instance: status.EveryWorker}}}); err != nil {
			t.Error(err)
		}
		wantEnd(t, s, 0, time.Hour)
	})
}

// The ports of an app refuse once its stop is answered.
func TestAStopIsAnsweredWhenTheSocketsAreClosed(t *testing.T) {
	api := daemon("api", listens(0, 0)).but(shares)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		linked, done := make(chan struct{}), make(chan error, 1)
		shared := s.apps.all()[0].Published().Ports
		shared.Go(func() { <-linked }) // sockets are closed when the last link has gone
		go func() {
			_, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: theAPI[:]})
			done <- err
		}()
		s.passes(time.Minute)
		select {
		case err := <-done:
			t.Errorf("answered %v before", err)
			done <- err
		default:
		}
		close(linked)
		s.passes(time.Second)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Control is closed when gorun ends, and with it what the order goes by.
func TestADeleteThatEndsGorunIsAnswered(t *testing.T) {
	for range 200 {
		enact(t, []part{daemon("api", serves)}, Options{}, func(s *stage) {
			s.passes(time.Minute)
			ctx, cancel := context.WithCancel(context.Background())
			over := s.apps.all()[0].Gone()
			go func() {
				<-over
				cancel()
			}()
			if err := s.Do(ctx, spec.Order{Verb: spec.Delete, Targets: theAPI[:]}, func(status.Progress) {}); err != nil {
				t.Error(err)
			}
		})
	}
}

// The second was never answered.
func TestDeletesOneAfterTheOther(t *testing.T) {
	api := daemon("api", listens(0, 10*time.Second)).but(shares).but(func(a *spec.App) { a.Instances, a.DrainTimeout = 2, time.Minute })
	enact(t, []part{api, daemon("side", serves)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		done := make(chan error)
		for i := range 2 {
			go func() {
				_, _, err := s.do(spec.Order{Verb: spec.Delete, Targets: []status.Target{{App: "api", Instance: i}}})
				done <- err
			}()
			s.passes(time.Second)
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if n := len(s.Snapshot().Apps); n != 1 {
			t.Errorf("%d apps are left, want side alone", n)
		}
	})
}

// The stop undid that the worker was to go.
func TestAStopDuringAScaleKeepsTheNumber(t *testing.T) {
	api := daemon("api", listens(0, 10*time.Second)).but(shares).but(func(a *spec.App) { a.Instances, a.DrainTimeout = 4, time.Minute })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		scaled := make(chan error)
		go func() {
			scaled <- s.Scale(context.Background(), "api", spec.Size{Workers: 2}, func(status.Progress) {})
		}()
		s.passes(time.Second)
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: theAPI[:]}); err != nil {
			t.Error(err)
		}
		if err := <-scaled; err != nil || len(s.app("api").Workers) != 2 {
			t.Errorf("scale: %v, %d workers", err, len(s.app("api").Workers))
		}
	})
}

func TestAStartDuringAStopIsRefused(t *testing.T) {
	slow := serves
	slow.stops = 5 * time.Second
	enact(t, []part{daemon("api", slow)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		stopped := make(chan error)
		go func() {
			_, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: theAPI[:]})
			stopped <- err
		}()
		s.passes(time.Second)
		if _, _, err := s.do(spec.Order{Verb: spec.Start, Targets: theAPI[:]}); !errors.As(err, new(*jobs.BusyError)) {
			t.Errorf("start: %v", err)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if _, _, err := s.do(spec.Order{Verb: spec.Start, Targets: theAPI[:]}); err != nil {
			t.Error(err)
		}
	})
}

// Its success was told as a failure.
func TestAStartOfAJobThatEndsWellSucceeds(t *testing.T) {
	enact(t, []part{job("migrate", fate{lives: 30 * time.Millisecond}), daemon("api", serves)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		news, _, err := s.do(spec.Order{Verb: spec.Start, Targets: []status.Target{{App: "migrate", Instance: status.EveryWorker}}})
		if err != nil || fmt.Sprint(news) != "[migrate/0 started, and has ended well migrate/-1 start done in 30ms]" {
			t.Errorf("start: %v, %q", err, news)
		}
	})
}

// The watchdog of the old process expired, as its WATCHDOG=1 was read by nobody.
func TestAFailedReplacementLeavesTheWatchdogQuiet(t *testing.T) {
	first, second := serves, listens(forever, 0)
	first.opens = &opening{alive: 5 * time.Second}
	api := daemon("api", first, second).but(shares).but(func(a *spec.App) { a.Watchdog = 10 * time.Second })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(5 * time.Second)
		if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err == nil || took != 30*time.Second {
			t.Errorf("reload: %v after %v", err, took)
		}
		if state := s.api().State; state != status.Online {
			t.Errorf("the old one is %v", state)
		}
	})
}

// Its new workers were never started, and gorun never ended.
func TestGorunEndsWhileARevisionWithMoreWorkersIsApplied(t *testing.T) {
	slow := listens(0, 0)
	slow.stops = 5 * time.Second
	api := daemon("api", slow).but(shares)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		more := api.but(func(a *spec.App) { a.Instances, a.KillTimeout = 3, time.Minute })
		applied := make(chan error, 1)
		go func() {
			applied <- s.Apply(context.Background(), spec.Revision{Apps: []spec.App{more.app}}, func(status.Progress) {})
		}()
		s.passes(time.Second) // the replaced one is terminating: the others are to be started then
		s.cancel()
		<-s.over
		if err := <-applied; err == nil {
			t.Error("a revision that was not applied was a success")
		}
	})
}

// The reload waited for a worker that there is not any more.
func TestAWorkerIsDeletedBeforeItsTurn(t *testing.T) {
	api := daemon("api", listens(time.Second, 0)).but(shares).but(func(a *spec.App) { a.Instances, a.ReloadParallel = 2, 1 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		s.scripts.set("api", []fate{crashes})
		for range 4 {
			s.apps.all()[0].Published().Workers[1].Restart(status.ByMemory)
			s.passes(5 * time.Second)
		}
		if state := s.app("api").Workers[1].State; state != status.Errored {
			t.Fatalf("the second worker is %v, want errored", state)
		}
		s.scripts.set("api", []fate{listens(time.Second, 0)})
		answer := s.reloads()
		s.passes(500 * time.Millisecond)
		if _, _, err := s.do(spec.Order{Verb: spec.Delete, Targets: []status.Target{{App: "api", Instance: 1}}}); err != nil {
			t.Error(err)
		}
		if err := <-answer; !errors.Is(err, worker.ErrStopped) {
			t.Errorf("the reload: %v", err)
		}
		wantOnline(t, s, "api", 1)
	})
}

// L12: a SIGHUP during whatever is under way is done after it, with what the file says
// then. One waits, the others merge.
func TestL12AReloadWaitsForWhatIsUnderWay(t *testing.T) {
	api := daemon("api", listens(time.Second, 0)).but(shares)
	silent := func(status.Progress) {}
	for name, first := range map[string]func(*stage) error{
		"a revision": func(s *stage) error {
			return s.Apply(context.Background(), spec.Revision{Apps: []spec.App{api.app}, All: true}, silent)
		},
		"a reload": func(s *stage) error {
			return s.Do(context.Background(), spec.Order{Verb: spec.Reload, Targets: theAPI[:]}, silent)
		},
		"a restart": func(s *stage) error {
			return s.Do(context.Background(), spec.Order{Verb: spec.Restart, Targets: theAPI[:]}, silent)
		},
		"a scale": func(s *stage) error { return s.Scale(context.Background(), "api", spec.Size{Workers: 2}, silent) },
		"a broken revision": func(s *stage) error {
			_ = s.Reload(context.Background(), func() (spec.Revision, error) { return spec.Revision{}, errors.New("mistakes") }, silent)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			enact(t, []part{api}, Options{}, func(s *stage) {
				s.passes(time.Minute)
				under := make(chan error, 1)
				go func() { under <- first(s) }()
				s.passes(500 * time.Millisecond)
				conf := api.app
				conf.Instances = 3
				answers := make(chan error, 3)
				for range cap(answers) {
					go func() {
						answers <- s.Reload(context.Background(), func() (spec.Revision, error) {
							return spec.Revision{Apps: []spec.App{conf}, All: true}, nil
						}, silent)
					}()
				}
				s.passes(time.Minute)
				if err := <-under; err != nil {
					t.Errorf("what was under way: %v", err)
				}
				for range cap(answers) {
					if err := <-answers; err != nil && !errors.Is(err, ErrMerged) {
						t.Errorf("a reload: %v", err)
					}
				}
				wantOnline(t, s, "api", 3)
			})
		})
	}
}

// L12: what waits for its turn does not wait for an app that is new and has long to
// wait itself, and not for a first start that hangs: it may be what mends it.
func TestL12AReloadDoesNotWaitForWhatMayNeverCome(t *testing.T) {
	api := daemon("api", listens(forever, 0), listens(0, 0)).but(shares)
	enact(t, []part{api, job("migrate", fate{lives: forever})}, Options{}, func(s *stage) {
		s.passes(time.Second)
		web := daemon("web", serves).needs("migrate", spec.Completed)
		for i := range 2 {
			go func() {
				_ = s.Reload(context.Background(), func() (spec.Revision, error) {
					return spec.Revision{Apps: []spec.App{api.app, web.app}, Partial: true, All: true}, nil
				}, func(status.Progress) {})
			}()
			s.passes(time.Second)
			if n := s.config.load().Reloads; i == 1 && n == 0 {
				t.Error("the second reload has not ended")
			}
		}
		wantOnline(t, s, "api", 1)
	})
}
