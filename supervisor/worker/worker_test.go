package worker

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

func TestOutputThatNobodyReadsIsDroppedWhenTheNextRunHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dropped := make(chan int, 10)
		w := &Worker{deps: &Deps{OOM: &OOMKills{Count: func() uint64 { return 0 }}}}
		for pid := range 3 {
			output := stalledOutput{pid, dropped}
			i := invocation.New(invocation.Parts{Program: exited{}, Tree: exited{}, Output: output, Endpoint: shut{}}, &spec.App{}, 0)
			ended := end{End: i.Terminate(t.Context(), invocation.Died)}
			w.recordEnd(i, &ended)
		}
		synctest.Wait()
		if len(dropped) != 0 {
			t.Errorf("%d dropped at once", len(dropped))
		}
		<-time.After(10 * time.Second)
		synctest.Wait()
		if first, second := <-dropped, <-dropped; first != 0 || second != 1 || len(dropped) != 0 {
			t.Errorf("dropped %d, %d and %d more, want 0 and 1: the last waits for its reader", first, second, len(dropped))
		}
		w.previous.AbandonOutput()
		<-time.After(10 * time.Second)
		synctest.Wait()
	})
}

func TestALaunchingWorkerHasNoPidOfTheRunBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(testDeps(t, slog.DiscardHandler), &spec.App{}, 0, 0, func() {})
		w.status = status.Worker{State: status.Stopping, Pid: 41, Started: time.Now()}
		w.enter(status.Launching)
		if got := w.published.Load(); got.Pid != 0 || !got.Started.IsZero() {
			t.Errorf("pid = %d, started %v while launching, want none", got.Pid, got.Started)
		}
	})
}

func TestAnIllegalStepIsToldAndTaken(t *testing.T) {
	var log bytes.Buffer
	w := New(testDeps(t, slog.NewTextHandler(&log, nil)), &spec.App{}, 0, 0, func() {})
	w.enter(status.Online)
	if strings.Count(log.String(), "illegal step") != 1 || w.Published().State != status.Online {
		t.Errorf("logged %q, state = %v, want logged and online", log.String(), w.Published().State)
	}
}

func TestOutcomes(t *testing.T) {
	sigkill, sigterm := reaper.Status{Signal: unix.SIGKILL}, reaper.Status{Signal: unix.SIGTERM}
	code := func(n int) reaper.Status { return reaper.Status{Code: n} }
	for _, test := range []struct {
		name    string
		status  reaper.Status
		end     invocation.End
		victims uint64 // of the memory limit, since the run began
		want    status.Outcome
		text    string
	}{
		{"code 0", code(0), invocation.End{}, 0, status.Clean, "0"},
		{"code 3", code(3), invocation.End{}, 0, status.Failure, "3"},
		{"segmentation fault", reaper.Status{Signal: unix.SIGSEGV}, invocation.End{}, 0, status.Signaled, "139 = SIGSEGV"},
		{"a real-time signal", reaper.Status{Signal: 40}, invocation.End{}, 0, status.Signaled, "168 = signal 40"},
		{"SIGTERM from elsewhere", sigterm, invocation.End{}, 0, status.Signaled, "143 = SIGTERM"},
		{"SIGTERM from gorun", sigterm, invocation.End{Cause: invocation.Stopped}, 0, status.Clean, "143 = SIGTERM"},
		{"SIGTERM from gorun, told as a code", code(143), invocation.End{Cause: invocation.Replaced}, 0, status.Clean, "143"},
		{"143 by itself", code(143), invocation.End{}, 0, status.Failure, "143"},
		{"code 1 after a stop", code(1), invocation.End{Cause: invocation.Stopped}, 0, status.Failure, "1"},
		{"another signal after a stop", reaper.Status{Signal: unix.SIGABRT}, invocation.End{Cause: invocation.Stopped}, 0, status.Signaled, "134 = SIGABRT"},
		{"killed by gorun", sigkill, invocation.End{Cause: invocation.Stopped, Forced: true}, 1, status.Killed, "137 = SIGKILL, by gorun after the grace"},
		{"killed by somebody", sigkill, invocation.End{}, 0, status.Signaled, "137 = SIGKILL"},
		{"killed by the kernel", sigkill, invocation.End{}, 1, status.OutOfMemory, "137 = SIGKILL, out of memory"},
		{"its child killed by the kernel", code(137), invocation.End{}, 1, status.OutOfMemory, "137, out of memory"},
		{"killed while its leftovers were, too", sigkill, invocation.End{Forced: true}, 0, status.Signaled, "137 = SIGKILL"},
		{"clean, its leftovers killed", code(0), invocation.End{Forced: true}, 0, status.Clean, "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &Worker{deps: &Deps{OOM: &OOMKills{Count: func() uint64 { return test.victims }}}}
			test.end.Status = test.status
			got := w.outcome(test.end, unix.SIGTERM)
			if text := describe(test.status, got, 0); got != test.want || text != test.text {
				t.Errorf("outcome = %v, %q, want %v, %q", got, text, test.want, test.text)
			}
		})
	}
}

func TestEachVictimExplainsOneDeath(t *testing.T) {
	count := uint64(5)
	kills := &OOMKills{Count: func() uint64 { return count }}
	if kills.explains(5) {
		t.Error("an old victim explains a death")
	}
	count = 7
	for i, want := range []bool{true, true, false} {
		if got := kills.explains(5); got != want {
			t.Errorf("death %d after two victims: out of memory = %v, want %v", i, got, want)
		}
	}
	count = 9
	if kills.explains(9) {
		t.Error("a victim from before the run explains its end")
	}
}

func TestAWorkerThatStartsGivesItsPlaceToTheNext(t *testing.T) {
	conf := &spec.App{
		Name: "api", Instances: 3, StopSignal: unix.SIGTERM, KillTimeout: time.Second,
		Restart: restart.Policy{Auto: true, MaxUnstable: 2, MinUptime: time.Second, Delay: time.Second},
	}
	synctest.Test(t, func(t *testing.T) {
		deps := testDeps(t, slog.DiscardHandler)
		deps.Slots = make(chan struct{}, 1)
		deps.Launch = func(r invocation.Request) (*invocation.Invocation, error) {
			program := &program{exited: make(chan struct{})}
			if r.Instance == 0 {
				program.status.Code = 1
				time.AfterFunc(50*time.Millisecond, func() { close(program.exited) })
			}
			return invocation.New(invocation.Parts{Program: program, Tree: program, Output: exited{}, Endpoint: shut{}}, r.Spec, 0), nil
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var workers []*Worker
		var all sync.WaitGroup
		for i := range 3 {
			w := New(deps, conf, i, i, func() {})
			all.Go(func() { w.Run(ctx, ctx, invocation.NewPorts(conf, deps.Deps), Update{Number: 1, Spec: conf}) })
			synctest.Wait() // they queue in this order
			workers = append(workers, w)
		}
		<-time.After(time.Second)
		synctest.Wait()
		for i, want := range []time.Duration{0, 150 * time.Millisecond, 250 * time.Millisecond} {
			st := workers[i].Published()
			if i > 0 && st.Since.Sub(st.FirstStarted) != want {
				t.Errorf("worker %d is online after %v, want %v", i, st.Since.Sub(st.FirstStarted), want)
			}
		}
		if len(deps.Slots) != 0 {
			t.Errorf("%d places are still taken", len(deps.Slots))
		}
		cancel()
		all.Wait()
		<-time.After(10 * time.Second)
	})
}

// testDeps are for workers whose programs are fakes.
func testDeps(t *testing.T, log slog.Handler) *Deps {
	t.Helper()
	output := logs.New(logs.Options{Stdout: io.Discard, Stderr: io.Discard})
	t.Cleanup(func() { _ = output.Close(context.Background()) })
	return &Deps{
		Deps:   invocation.Deps{Log: slog.New(log), Record: func(status.Event) {}},
		Output: output, Slots: make(chan struct{}, 10), OOM: &OOMKills{Count: func() uint64 { return 0 }},
		Hooks: hooks.New(hooks.Options{Log: slog.New(log)}),
	}
}

// program is a fake process that ends when it is stopped.
type program struct {
	exited chan struct{}
	status reaper.Status
	once   sync.Once
}

func (p *program) Pid() int                { return 7 }
func (p *program) Exited() <-chan struct{} { return p.exited }
func (p *program) Status() reaper.Status   { return p.status }
func (p *program) Members() []int          { return nil }

func (p *program) Stop(context.Context, process.Ladder) bool {
	p.once.Do(func() { close(p.exited) })
	return false
}

// exited is a process that is gone, and has written nothing.
type exited struct{}

func (exited) Pid() int { return 7 }

func (exited) Exited() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func (exited) Status() reaper.Status                     { return reaper.Status{} }
func (exited) Members() []int                            { return nil }
func (exited) Stop(context.Context, process.Ladder) bool { return false }
func (exited) Drain(context.Context) error               { return nil }
func (exited) Tail() []string                            { return nil }
func (exited) Close(context.Context) error               { return nil }

// stalledOutput is output that nobody reads: dropped gets the pid when it is given up.
type stalledOutput struct {
	pid     int
	dropped chan int
}

func (stalledOutput) Drain(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stalledOutput) Tail() []string { return nil }

func (o stalledOutput) Close(ctx context.Context) error {
	<-ctx.Done()
	o.dropped <- o.pid
	return ctx.Err()
}

// shut is an endpoint that shares nothing and reports nothing.
type shut struct{}

func (shut) ReportsListening() bool                                       { return false }
func (shut) AcceptTraffic()                                               {}
func (shut) TakeOver(sockets.Owner)                                       {}
func (shut) StopTraffic()                                                 {}
func (shut) Drain(context.Context, <-chan struct{}, endpoint.DrainLimits) {}
func (shut) AskToStop() bool                                              { return false }
func (shut) Look() process.Clients                                        { return nil }
func (shut) Leave()                                                       {}
func (shut) Owner() sockets.Owner                                         { return 0 }
func (shut) Release()                                                     {}
func (shut) Report(func(invocation.Event))                                {}
