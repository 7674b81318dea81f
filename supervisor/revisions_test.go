package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/app/jobs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// addition is how an app was added to those that run.
type addition struct {
	took time.Duration
	err  error
	news []string
}

// adds adds an app, as Apply does with one that is new.
func (s *stage) adds(p part) addition {
	begun := time.Now()
	var a addition
	made, err := s.apps.prepare(s.apps.all(), []spec.App{p.app})
	if err != nil {
		return addition{err: err}
	}
	s.scripts.set(p.app.Name, p.fates)
	fresh, err := s.apps.install(made, oneAtATime(func(p status.Progress) { a.news = append(a.news, p.Text) }))
	if err != nil {
		return addition{err: err}
	}
	err = fresh[0].first.Await(context.Background(), fresh[0].app.Gone())
	return addition{time.Since(begun), err, a.news}
}

func TestAnAppThatIsAddedIsAnsweredWhenItIsOnline(t *testing.T) {
	two := func(a *spec.App) { a.Instances = 2 }
	for _, test := range []struct {
		name string
		app  part
		took time.Duration
		says string // the error
	}{
		{"nothing better tells", daemon("web", serves), settling, ""},
		{"listens", daemon("web", listens(time.Second, 0)).but(shares).but(two), time.Second, ""},
		{"a job that ends well", job("web", fate{lives: 10 * time.Millisecond}), 10 * time.Millisecond, ""},
		{"a long job", job("web", fate{lives: time.Hour}), settling, ""},
		{"crashes", daemon("web", crashes), 0, "web/0: it ended before it was ready"},
		{"one crashes late", daemon("web", crashes.after(50*time.Millisecond)).but(two), 50 * time.Millisecond, "web/1: it ended before it was ready"},
		{"cannot be started", daemon("web", fate{err: errors.New("no such file")}), 0, "no such file"},
		{"is not to start", daemon("web", serves).but(func(a *spec.App) { a.Autostart = false }), 0, ""},
		{"waits for a job", daemon("web", serves).needs("migrate", spec.Completed), 4*time.Minute + settling, ""},
		{"waits in vain", daemon("web", serves).needs("fails", spec.Completed), 4 * time.Minute, "app web not started: app fails has failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			apps := []part{daemon("api", serves), job("migrate", fate{lives: 5 * time.Minute}), job("fails", crashes.after(5*time.Minute))}
			enact(t, apps, Options{}, func(s *stage) {
				s.passes(time.Minute)
				got := s.adds(test.app)
				if got.took != test.took || (got.err == nil) != (test.says == "") || got.err != nil && !strings.Contains(got.err.Error(), test.says) {
					t.Errorf("answered after %v with %v, want %v and %q", got.took, got.err, test.took, test.says)
				}
				if len(got.news) == 0 || got.news[0] != "added" {
					t.Errorf("news %q", got.news)
				}
			})
		})
	}
}

func TestWhoAddsAnAppIsToldThatItNeverStarts(t *testing.T) {
	web := daemon("web", serves).needs("migrate", spec.Completed)
	order := func(v spec.Verb) func(*stage) {
		return func(s *stage) {
			_, _, _ = s.do(spec.Order{Verb: v, Targets: []status.Target{{App: "web", Instance: status.EveryWorker}}})
		}
	}
	for _, test := range []struct {
		name string
		do   func(*stage)
		want error
	}{
		{"stopped", order(spec.Stop), worker.ErrStopped},
		{"deleted", order(spec.Delete), worker.ErrStopped},
		{"started", order(spec.Start), jobs.ErrSuperseded},
		{"restarted", order(spec.Restart), jobs.ErrSuperseded},
		{"gorun ends", func(s *stage) { s.cancel() }, jobs.ErrStopping},
	} {
		t.Run(test.name, func(t *testing.T) {
			enact(t, []part{daemon("api", serves), job("migrate", fate{lives: forever})}, Options{}, func(s *stage) {
				s.passes(time.Minute)
				answered := make(chan addition)
				go func() { answered <- s.adds(web) }()
				s.passes(time.Minute)
				test.do(s)
				got := <-answered
				if !errors.Is(got.err, test.want) || fmt.Sprint(got.news) != "[added waits for app migrate]" {
					t.Errorf("answered with %v, news %q; want %v", got.err, got.news, test.want)
				}
			})
		})
	}
}

func TestARevisionMayBeOneToStart(t *testing.T) {
	parts := []part{
		daemon("api", serves).but(func(a *spec.App) { a.Instances = 2 }), daemon("changed", serves), daemon("errored", crashes),
		daemon("side", serves), daemon("manual", serves).but(func(a *spec.App) { a.Autostart = false }),
	}
	enact(t, parts, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: []status.Target{{App: "api", Instance: 1}, {App: "changed", Instance: status.EveryWorker}}}); err != nil {
			t.Fatal(err)
		}
		e := spec.Revision{Partial: true, Start: true}
		for _, p := range parts {
			e.Apps = append(e.Apps, p.app)
		}
		e.Apps[1].KillTimeout = time.Minute
		before := append(s.pids("side"), s.pids("api")[0])
		err := s.Apply(context.Background(), e, func(status.Progress) {})
		if failed := new(worker.StartError); !errors.As(err, &failed) || !strings.Contains(err.Error(), "errored/0") {
			t.Errorf("apply: %v, want that errored cannot start", err)
		}
		wantOnline(t, s, "api", 2)
		wantOnline(t, s, "changed", 1)
		if s.worker("changed").Published().Spec.KillTimeout != time.Minute || s.app("manual").Workers[0].Starts != 0 {
			t.Error("changed has not its new configuration, or manual was started")
		}
		if after := append(s.pids("side"), s.pids("api")[0]); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("pids %v, before %v: what runs was touched", after, before)
		}
	})
}

// Two of four had gone before the first replacement was tried.
func TestARevisionThatFailsTakesNoWorkerAway(t *testing.T) {
	api := daemon("api", listens(0, 0), crashes).but(shares).but(func(a *spec.App) { a.Instances = 4 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		fewer := api.but(func(a *spec.App) { a.Instances = 2 })
		e := spec.Revision{Apps: []spec.App{fewer.app}}
		if err := s.Apply(context.Background(), e, func(status.Progress) {}); err == nil {
			t.Error("a release that crashes was a success")
		}
		wantOnline(t, s, "api", 4)
		s.scripts.set("api", []fate{listens(0, 0)})
		if err := s.Apply(context.Background(), e, func(status.Progress) {}); err != nil {
			t.Error(err)
		}
		wantOnline(t, s, "api", 2)
		if n := s.app("api").Workers[1].Restarts[status.ByReload]; n != 1 {
			t.Errorf("%d reloads of the last one", n)
		}
	})
}

// It is added, and its own files ask for a restart before it is online.
func TestAFirstStartIsNotSuperseded(t *testing.T) {
	enact(t, []part{daemon("api", serves)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		answered := make(chan addition)
		go func() { answered <- s.adds(daemon("web", listens(time.Second, 0)).but(shares)) }()
		s.passes(500 * time.Millisecond)
		s.apps.all()[1].RequestRestart(context.Background(), status.ByWatch, "cache")
		if got := <-answered; got.err != nil || got.took != time.Second {
			t.Errorf("answered after %v with %v", got.took, got.err)
		}
		s.passes(time.Minute)
		if n := s.app("web").Workers[0].Restarts[status.ByWatch]; n != 1 {
			t.Errorf("%d restarts by watch, want 1", n)
		}
	})
}

// What a file or the clock asked for came between the two steps of a revision.
func TestARevisionIsNotCutByWhatIsProvoked(t *testing.T) {
	api := daemon("api", listens(time.Second, 0)).but(shares).but(func(a *spec.App) { a.Instances = 2 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		applied := make(chan error)
		go func() {
			more := api.but(func(a *spec.App) { a.Instances, a.KillTimeout = 3, time.Minute })
			applied <- s.Apply(context.Background(), spec.Revision{Apps: []spec.App{more.app}}, func(status.Progress) {})
		}()
		s.passes(500 * time.Millisecond)
		s.apps.all()[0].RequestRestart(context.Background(), status.ByCron, "x")
		if err := <-applied; err != nil {
			t.Error(err)
		}
		s.passes(time.Minute)
		wantOnline(t, s, "api", 3)
		if n := s.api().Restarts; n[status.ByCron] != 1 || n[status.ByReload] != 1 {
			t.Errorf("restarts %v", n)
		}
	})
}

func TestARevisionMayRestart(t *testing.T) {
	parts := []part{daemon("api", listens(0, 0)).but(shares), daemon("fewer", serves).but(func(a *spec.App) { a.Instances = 3 })}
	enact(t, parts, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: []status.Target{{App: "fewer", Instance: status.EveryWorker}}}); err != nil {
			t.Fatal(err)
		}
		api, fewer := parts[0].app, parts[1].app
		api.KillTimeout, fewer.Instances = time.Minute, 1
		e := spec.Revision{Apps: []spec.App{api, fewer}, Partial: true, All: true, Restart: true, Start: true}
		if err := s.Apply(context.Background(), e, func(status.Progress) {}); err != nil {
			t.Error(err)
		}
		wantOnline(t, s, "api", 1)
		wantOnline(t, s, "fewer", 1)
		if st := s.api(); st.Restarts[status.ByManual] != 1 || st.Restarts[status.ByReload] != 0 || s.worker("api").Published().Spec.KillTimeout != time.Minute {
			t.Errorf("api: %+v", st)
		}
	})
}
