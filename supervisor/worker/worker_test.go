package worker

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/invocation/event"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/hooks"
	"gorun/supervisor/invocation"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
	"gorun/supervisor/worker/record"
)

func TestOutputThatNobodyReadsIsDroppedWhenTheNextRunHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dropped := make(chan int, 10)
		w := New(testDeps(t, slog.DiscardHandler), &spec.App{}, 0, 0, func() {})
		var i *invocation.Invocation
		for pid := range 3 {
			output := stalledOutput{pid, dropped}
			i = invocation.New(invocation.Parts{Program: exited{}, Tree: exited{}, Output: output, Endpoint: shut{}}, &spec.App{}, 0)
			ended := record.End{End: i.Terminate(t.Context(), invocation.Died)}
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
		i.AbandonOutput()
		<-time.After(10 * time.Second)
		synctest.Wait()
	})
}

func TestAWorkerThatStartsGivesItsPlaceToTheNext(t *testing.T) {
	conf := &spec.App{
		Name: "api", Instances: 3, StopSignal: unix.SIGTERM, KillTimeout: time.Second,
		Restart: restart.Policy{Auto: true, MaxUnstable: 2, MinUptime: time.Second, Delay: time.Second},
	}
	synctest.Test(t, func(t *testing.T) {
		deps := testDeps(t, slog.DiscardHandler)
		deps.StartLimit = make(chan struct{}, 1)
		deps.StartInvocation = func(r invocation.Request) (*invocation.Invocation, error) {
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
			all.Go(func() { w.Run(ctx, ctx, endpoint.NewSharedPorts(conf, deps.Deps.Deps), Update{Number: 1, Spec: conf}) })
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
		if len(deps.StartLimit) != 0 {
			t.Errorf("%d places are still taken", len(deps.StartLimit))
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
		Deps: record.Deps{
			Deps: endpoint.Deps{Log: slog.New(log), Journal: func(status.Event) {}},
			OOM:  &usage.OOMKills{Count: func() uint64 { return 0 }}, Hooks: hooks.New(hooks.Options{Log: slog.New(log)}),
		},
		Output: output, StartLimit: make(chan struct{}, 10),
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
func (shut) Clients() process.Clients                                     { return nil }
func (shut) DisconnectIPC()                                               {}
func (shut) Owner() sockets.Owner                                         { return 0 }
func (shut) MissingAddresses(sockets.Owner) []sockets.Address             { return nil }
func (shut) Release()                                                     {}
func (shut) Report(func(event.Event))                                     {}
