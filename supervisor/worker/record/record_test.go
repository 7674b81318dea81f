package record

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gorun/supervisor/invocation/endpoint"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/invocation"
	"gorun/supervisor/status"
	"gorun/supervisor/usage"
)

func TestALaunchingWorkerHasNoPidOfTheRunBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord(slog.DiscardHandler, status.Worker{State: status.Stopping, Pid: 41, Started: time.Now()})
		r.Enter(status.Launching)
		if got := r.Status; got.Pid != 0 || !got.Started.IsZero() {
			t.Errorf("pid = %d, started %v while launching, want none", got.Pid, got.Started)
		}
	})
}

func TestAnIllegalStepIsToldAndTaken(t *testing.T) {
	var log bytes.Buffer
	r := newRecord(slog.NewTextHandler(&log, nil), status.Worker{})
	r.Enter(status.Online)
	if strings.Count(log.String(), "invalid state transition") != 1 || r.Status.State != status.Online {
		t.Errorf("logged %q, state = %v, want logged and online", log.String(), r.Status.State)
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
			oom := &usage.OOMKills{Count: func() uint64 { return test.victims }}
			test.end.Status = test.status
			got := outcomeOf(test.end, unix.SIGTERM, oom)
			if text := describe(test.status, got, 0); got != test.want || text != test.text {
				t.Errorf("outcome = %v, %q, want %v, %q", got, text, test.want, test.text)
			}
		})
	}
}

// newRecord begins a record that is logged to a handler.
func newRecord(log slog.Handler, of status.Worker) *Record {
	return New(&Deps{Deps: endpoint.Deps{Log: slog.New(log), Journal: func(status.Event) {}}}, "api/0", of, func() {})
}
