package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorun/signals/reaper"
	"gorun/supervisor/app/jobs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/worker"
)

// shares makes the workers of an app share their sockets, as far as the
// supervisor can tell.
func shares(a *spec.App) {
	a.Sharing, a.Mode, a.ListenTimeout = spec.ShareInherit, spec.Cluster, 30*time.Second
}

// listens is a program that listens after a while, and drains for as long.
func listens(after, drains time.Duration) fate {
	f := serves
	f.opens = &opening{listens: after, says: forever, drains: drains}
	return f
}

// do carries an order out, and returns its news and how long it took.
func (s *stage) do(o spec.Order) (news []string, took time.Duration, err error) {
	begun := time.Now()
	err = s.Do(context.Background(), o, func(p status.Progress) {
		news = append(news, fmt.Sprintf("%s/%d %s", p.App, p.Instance, p.Text))
	})
	return news, time.Since(begun), err
}

var theAPI = [...]status.Target{{App: "api", Instance: status.EveryWorker}}

func (s *stage) pids(app string) []int {
	var pids []int
	for _, w := range s.app(app).Workers {
		pids = append(pids, w.Pid)
	}
	return pids
}

// hold is how long a replacement lives on before it takes over.
const hold = 75 * time.Millisecond

func wantOnline(t *testing.T, s *stage, app string, n int) {
	t.Helper()
	if st := s.app(app); st.Online() != n || len(st.Workers) != n {
		t.Errorf("%s: %d of %d workers online, want %d", app, st.Online(), len(st.Workers), n)
	}
}

func TestAReloadReplacesWorkersWithoutAGap(t *testing.T) {
	api := daemon("api", listens(time.Second, 0)).but(shares).but(func(a *spec.App) { a.Instances = 8 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		before := s.pids("api")
		_, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]})
		if err != nil || took != 4*(time.Second+hold) {
			t.Errorf("reload of 8 workers that start in 1 s: %v after %v, want 4 rounds of 2", err, took)
		}
		wantOnline(t, s, "api", 8)
		for i, pid := range s.pids("api") {
			if slices.Contains(before, pid) {
				t.Errorf("worker %d is the old one", i)
			}
		}
		for _, w := range s.app("api").Workers {
			if w.Restarts[status.ByReload] != 1 || w.Starts != 2 || w.Exits[status.Clean] != 1 || w.Unstable != 0 {
				t.Errorf("worker %d: %+v", w.Instance, w)
			}
		}
		wantSteps(t, s, "api/0", "0s launching", "1s online") // it was never anything else
		if r := s.app("api").Reloads; r.Done != 1 || r.Failed != 0 || r.Times.Sum != 4.3 {
			t.Errorf("reloads = %+v", r)
		}
	})
}

func TestAReloadTakesAsManyAtATimeAsIsAskedFor(t *testing.T) {
	api := daemon("api", listens(time.Second, 0)).but(shares).but(func(a *spec.App) { a.Instances, a.ReloadParallel = 8, 4 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err != nil || took != 2*(time.Second+hold) {
			t.Errorf("with reload_parallel 4: %v after %v, want 2 rounds", err, took)
		}
		if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:], Parallel: 8}); err != nil || took != time.Second+hold {
			t.Errorf("asked for 8: %v after %v, want 1 round", err, took)
		}
	})
}

func TestTheOldWorkerDrainsWhileTheNextIsReplaced(t *testing.T) {
	api := daemon("api", listens(time.Second, 5*time.Second)).but(shares).but(func(a *spec.App) {
		a.Instances, a.DrainTimeout = 2, time.Minute
	})
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		news, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]})
		if err != nil || took != 7*time.Second+2*hold { // 2 rounds of 1 s, and the drain of the last
			t.Errorf("reload: %v after %v, want 7s", err, took)
		}
		if !slices.ContainsFunc(news, func(line string) bool { return strings.Contains(line, "2 still draining") }) {
			t.Errorf("news: %q", news)
		}
	})
}

func TestAReplacementThatFailsLeavesTheOldWorker(t *testing.T) {
	dies := fate{lives: time.Second, status: reaper.Status{Code: 3}, opens: &opening{listens: forever, says: forever}}
	mute := listens(time.Second, 0) // it never says that it is ready
	for _, test := range []struct {
		name   string
		second fate
		waits  bool
		after  time.Duration
		why    string
	}{
		{"it ends", dies, false, time.Second, "api/0: it ended before it was ready (exit 3)"},
		{"it cannot be started", fate{err: errors.New("no such file")}, false, 0, "api/0: no such file"},
		{"it never listens", listens(forever, 0), false, 30 * time.Second, "api/0: it was not ready within its listen_timeout of 30s: missing a socket that it listens on"},
		{"it is never ready", mute, true, 30 * time.Second, "api/0: it was not ready within its listen_timeout of 30s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := serves
			first.opens = &opening{listens: 0, says: 0}
			api := daemon("api", first, test.second).but(shares).but(func(a *spec.App) {
				a.Instances, a.WaitReady = 4, test.waits
			})
			enact(t, []part{api}, Options{}, func(s *stage) {
				s.passes(time.Minute)
				before := s.pids("api")
				_, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]})
				if err == nil || !strings.HasPrefix(err.Error(), test.why) || took != test.after {
					t.Errorf("reload: %v after %v, want %s after %v", err, took, test.why, test.after)
				}
				if got := s.pids("api"); !slices.Equal(got, before) {
					t.Errorf("pids %v, want the old ones, %v", got, before)
				}
				wantOnline(t, s, "api", 4)
				if st := s.app("api"); st.Reloads.Failed != 1 || st.Workers[1].Starts != 1 {
					t.Errorf("reloads %+v, starts of the next worker %d", st.Reloads, st.Workers[1].Starts)
				}
			})
		})
	}
}

func TestWorkersOfAQueueAreReplacedWithoutWaitingForThemToListen(t *testing.T) {
	api := daemon("api", listens(forever, 0)).but(shares)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err != nil || took != time.Second {
			t.Errorf("reload: %v after %v, want it after its min_uptime", err, took)
		}
	})
}

func TestReloadFallbackRestartsWhatIsNotReplaced(t *testing.T) {
	first, second := serves, fate{lives: 0, status: reaper.Status{Code: 3}}
	first.opens, second.opens = &opening{}, &opening{listens: forever, says: forever}
	api := daemon("api", first, second, first).but(shares).but(func(a *spec.App) { a.ReloadFallback = true })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, _, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err != nil {
			t.Error(err)
		}
		wantSteps(t, s, "api/0", "0s launching", "0s online", "1m0s stopping", "1m0s launching", "1m0s online")
	})
}

func TestAnOldWorkerThatDiesDuringItsReplacementIsReplaced(t *testing.T) {
	short, slow := crashes.after(time.Minute), listens(10*time.Second, 0)
	short.opens = &opening{}
	api := daemon("api", short, slow).but(shares)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(55 * time.Second)
		if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err != nil || took != 10*time.Second+hold {
			t.Errorf("reload: %v after %v", err, took)
		}
		if st := s.api(); st.State != status.Online || st.Exits[status.Failure] != 1 || st.Starts != 2 || st.Restarts[status.ByExit] != 0 {
			t.Errorf("after it: %+v", st)
		}
	})
}

// reloads orders a reload, and returns what gets its answer.
func (s *stage) reloads() <-chan error {
	answer := make(chan error, 1)
	go func() {
		_, _, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]})
		answer <- err
	}()
	return answer
}

func TestWhatMayComeDuringAReload(t *testing.T) {
	api := daemon("api", listens(time.Second, 0), listens(time.Hour, 0)).but(shares)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		first := s.reloads()
		s.passes(time.Second)
		if _, _, err := s.do(spec.Order{Verb: spec.Restart, Targets: theAPI[:]}); !errors.As(err, new(*jobs.BusyError)) {
			t.Errorf("a restart during a reload: %v, want it refused", err)
		}
		second := s.reloads()
		if err := <-first; !errors.Is(err, jobs.ErrSuperseded) {
			t.Errorf("the first reload: %v, want it to be superseded by the second", err)
		}
		s.passes(time.Second)
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: theAPI[:]}); err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := <-second; !errors.Is(err, worker.ErrStopped) {
			t.Errorf("the second reload: %v, want it to say that the worker was stopped", err)
		}
		if st := s.app("api"); !st.StoppedByOperator || st.Workers[0].State != status.Stopped {
			t.Errorf("stopped by the operator = %v, %v", st.StoppedByOperator, st.Workers[0].State)
		}
	})
}

// A release that hangs in its start is corrected by the next one.
func TestALaterReloadSupersedesOneThatHangs(t *testing.T) {
	api := daemon("api", listens(0, 0), listens(forever, 0), listens(time.Second, 0)).but(shares)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		before := s.pids("api")
		first := s.reloads()
		s.passes(5 * time.Second)
		begun := time.Now()
		second := s.reloads()
		if err := <-first; !errors.Is(err, jobs.ErrSuperseded) || time.Since(begun) != 0 {
			t.Errorf("the first reload: %v after %v", err, time.Since(begun))
		}
		if err := <-second; err != nil {
			t.Errorf("the second reload: %v", err)
		}
		wantOnline(t, s, "api", 1)
		if pid := s.pids("api")[0]; pid == before[0] {
			t.Error("the worker is the old one")
		}
	})
}

func TestL13ALaterScaleSupersedes(t *testing.T) {
	api := daemon("api", listens(10*time.Second, 0)).but(shares)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		first := make(chan error, 1)
		go func() {
			first <- s.Scale(context.Background(), "api", spec.Size{Workers: 1000}, func(status.Progress) {})
		}()
		s.passes(time.Second)
		if err := s.Scale(context.Background(), "api", spec.Size{Workers: 3}, func(status.Progress) {}); err != nil {
			t.Error(err)
		}
		if err := <-first; !errors.Is(err, jobs.ErrSuperseded) {
			t.Errorf("the first scale: %v", err)
		}
		s.passes(time.Minute)
		wantOnline(t, s, "api", 3)
	})
}

func TestAWorkerThatSharesNothingIsRestarted(t *testing.T) {
	enact(t, []part{daemon("api", serves)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, took, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err != nil || took != settling {
			t.Errorf("reload: %v after %v", err, took)
		}
		wantSteps(t, s, "api/0", "0s launching", "100ms online", "1m0s stopping", "1m0s launching", "1m0.1s online")
	})
}

func TestARestartTellsOfAWorkerThatDoesNotComeBack(t *testing.T) {
	enact(t, []part{daemon("api", serves, crashes.with(9))}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		_, _, err := s.do(spec.Order{Verb: spec.Restart, Targets: theAPI[:]})
		if err == nil || err.Error() != "api/0: it ended before it was ready (exit 9)" {
			t.Errorf("restart: %v", err)
		}
	})
}

func TestAStoppedAppDoesNotEndGorun(t *testing.T) {
	enact(t, []part{daemon("api", serves), job("b", fate{})}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: theAPI[:]}); err != nil {
			t.Error(err)
		}
		s.passes(time.Hour)
		if _, _, err := s.do(spec.Order{Verb: spec.Start, Targets: theAPI[:]}); err != nil {
			t.Error(err)
		}
		wantOnline(t, s, "api", 1)
		if _, _, err := s.do(spec.Order{Verb: spec.Delete, Targets: theAPI[:]}); err != nil {
			t.Error(err)
		}
		wantEnd(t, s, 0, time.Hour+time.Minute+settling)
	})
}

func TestOneWorkerIsStoppedAndStarted(t *testing.T) {
	api := daemon("api", serves).but(func(a *spec.App) { a.Instances = 3 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: []status.Target{{App: "api", Instance: 1}}}); err != nil {
			t.Error(err)
		}
		if st := s.app("api"); st.Online() != 2 || st.Workers[1].State != status.Stopped || st.StoppedByOperator {
			t.Errorf("after the stop: %d online, %v", st.Online(), st.Workers[1].State)
		}
		news, _, err := s.do(spec.Order{Verb: spec.Start, Targets: theAPI[:]})
		if err != nil || !slices.Contains(news, "api/0 runs already") {
			t.Errorf("start: %v, %q", err, news)
		}
		wantOnline(t, s, "api", 3)
		if _, _, err := s.do(spec.Order{Verb: spec.Stop, Targets: []status.Target{{App: "api", Instance: 7}}}); !errors.Is(err, jobs.ErrUnknown) {
			t.Errorf("stop of a worker that there is not: %v", err)
		}
	})
}

func TestScale(t *testing.T) {
	api := daemon("api", listens(time.Second, time.Second)).but(shares).but(func(a *spec.App) { a.Instances, a.DrainTimeout = 2, time.Minute })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		scale := func(size spec.Size, want int, takes time.Duration) {
			t.Helper()
			begun := time.Now()
			if err := s.Scale(context.Background(), "api", size, func(status.Progress) {}); err != nil {
				t.Error(err)
			}
			if took := time.Since(begun); took != takes {
				t.Errorf("it took %v, want %v", took, takes)
			}
			wantOnline(t, s, "api", want)
		}
		scale(spec.Size{Workers: 5}, 5, time.Second) // in parallel
		scale(spec.Size{Workers: -3, Relative: true}, 2, time.Second)
		scale(spec.Size{Workers: 1, Relative: true}, 3, time.Second)
		var ids []int
		for _, w := range s.app("api").Workers {
			ids = append(ids, w.ID)
		}
		if !slices.Equal(ids, []int{0, 1, 5}) {
			t.Errorf("ids %v, want the newest gone and a new one", ids)
		}
		if err := s.Scale(context.Background(), "api", spec.Size{Workers: -3, Relative: true}, func(status.Progress) {}); err == nil {
			t.Error("an app was scaled to nothing")
		}
	})
}

func TestResetClearsTheCounters(t *testing.T) {
	enact(t, []part{daemon("api", crashes, crashes, serves)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if _, _, err := s.do(spec.Order{Verb: spec.Reset, Targets: theAPI[:]}); err != nil {
			t.Error(err)
		}
		if st := s.api(); st.Unstable != 0 || st.RestartsAtReset != st.Restarts || st.Restarts[status.ByExit] != 2 {
			t.Errorf("after the reset: %+v", st)
		}
	})
}

func TestARevisionAddsRemovesAndReloads(t *testing.T) {
	kept, changed, gone := daemon("kept", serves), daemon("changed", listens(0, 0)).but(shares), daemon("gone", serves)
	enact(t, []part{kept, changed, gone}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		next := changed.but(func(a *spec.App) { a.KillTimeout, a.Instances = time.Minute, 3 })
		fresh := daemon("fresh", serves).but(func(a *spec.App) { a.Autostart = false })
		e := spec.Revision{Apps: []spec.App{kept.app, next.app, fresh.app}}
		var plan []string
		for _, c := range s.Plan(e) {
			plan = append(plan, fmt.Sprint(c.What, " ", c.App, " ", c.Why))
		}
		if want := []string{"keep kept []", "reload changed [instances kill_timeout]", "add fresh []", "remove gone []"}; !slices.Equal(plan, want) {
			t.Errorf("plan %q, want %q", plan, want)
		}
		before := s.pids("kept")
		if err := s.Apply(context.Background(), e, func(status.Progress) {}); err != nil {
			t.Error(err)
		}
		wantOnline(t, s, "changed", 3)
		if got := s.pids("kept"); !slices.Equal(got, before) {
			t.Error("what has not changed was restarted")
		}
		var names []string
		for _, a := range s.Snapshot().Apps {
			names = append(names, a.Name)
		}
		if want := []string{"kept", "changed", "fresh"}; !slices.Equal(names, want) {
			t.Errorf("apps %q, want %q", names, want)
		}
		for _, c := range s.Plan(e) {
			if c.What != status.Keep {
				t.Errorf("once more: %+v", c)
			}
		}
	})
}

func TestAReloadOfTheFileReloadsWhatHasNotChangedToo(t *testing.T) {
	api, migrate := daemon("api", listens(0, 0)).but(shares), job("migrate", fate{})
	enact(t, []part{api, migrate}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		if err := s.Apply(context.Background(), spec.Revision{Apps: []spec.App{api.app, migrate.app}, All: true}, func(status.Progress) {}); err != nil {
			t.Error(err)
		}
		if n := s.api().Restarts[status.ByReload]; n != 1 {
			t.Errorf("%d reloads, want 1", n)
		}
		if n := s.app("migrate").Workers[0].Starts; n != 1 {
			t.Errorf("the job was started %d times: it had done its work", n)
		}
	})
}

func TestAnAppThatSharesInAnotherWayIsStoppedAndStarted(t *testing.T) {
	api := daemon("api", serves)
	enact(t, []part{api, daemon("side", serves)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		next := api.but(func(a *spec.App) { a.Port = 80 })
		e := spec.Revision{Apps: []spec.App{next.app}, Partial: true}
		if plan := s.Plan(e); len(plan) != 1 || plan[0].What != status.Recreate {
			t.Errorf("plan %+v", plan)
		}
	})
}

func TestEventsTellWhatHappened(t *testing.T) {
	enact(t, []part{daemon("api", crashes, serves)}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		events, err := s.Events(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for i, e := range events {
			if e.Seq != uint64(i+1) {
				t.Errorf("event %d has number %d", i, e.Seq)
			}
			told = append(told, e.Kind+" "+e.Text)
		}
		want := []string{
			"state stopped → launching", "state launching → waiting restart", "exit exit 1, restart in 1s",
			"state waiting restart → launching", "state launching → online",
		}
		if !slices.Equal(told, want) {
			t.Errorf("events %q, want %q", told, want)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := s.Events(ctx, 5); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing more has happened, and: %v", err)
		}
	})
}

func TestTheJournalKeepsTheLatest(t *testing.T) {
	var j journal
	for range journalSize + 10 {
		j.append(status.Event{})
	}
	if events, _ := j.since(0); len(events) != journalSize || events[0].Seq != 11 {
		t.Errorf("%d events from %d, want the latest %d", len(events), events[0].Seq, journalSize)
	}
	if events, _ := j.since(journalSize + 8); len(events) != 2 {
		t.Errorf("%d events after the last but two", len(events))
	}
}

// L7: it listens, and fails at its first step.
func TestL7AReplacementThatFailsAtOnceReplacesNobody(t *testing.T) {
	broken := crashes.after(time.Second + hold/2)
	broken.opens = &opening{listens: time.Second, says: forever}
	good := serves
	good.opens = &opening{}
	api := daemon("api", good, broken).but(shares)
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		before := s.pids("api")
		if _, _, err := s.do(spec.Order{Verb: spec.Reload, Targets: theAPI[:]}); err == nil {
			t.Error("the reload is said to be done")
		}
		if got := s.pids("api"); !slices.Equal(got, before) {
			t.Errorf("the worker was replaced: pid %v, was %v", got, before)
		}
	})
}
