package supervisor

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/node"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// talker is an app with an IPC channel, see talk.
func talker() spec.App {
	app := actual("api", "node")
	app.Node, app.WaitReady, app.ListenTimeout = true, true, time.Minute
	app.ShutdownWithMessage = true
	return app
}

// told waits until the worker has said all that it says at its start.
func (r *instance) told(t *testing.T, runs int) status.Worker {
	t.Helper()
	r.up(t, runs)
	eventually(t, "it has told of itself", func() bool { return r.first().Vitals != nil && r.first().State == status.Online })
	return r.first()
}

func TestFiguresAreOfTheProcessAndCountsOfTheWorker(t *testing.T) {
	r := run(t, talker())
	w := r.told(t, 1)
	if want := []status.Custom{{Name: "lag", Unit: "ms", Value: 12.4}}; !slices.Equal(w.Custom, want) || w.Vitals.P95 != .5 {
		t.Errorf("%v, %+v; want %v", w.Custom, w.Vitals, want)
	}
	if n := len(r.Recent(10)); n != 2 {
		t.Errorf("%v; want nothing but the states in the journal", r.Recent(10))
	}
	if err := unix.Kill(w.Pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w = r.told(t, 2)
	if want := (status.Totals{Delay: 4, Ticks: 20, Pause: 6, Pauses: 8}); w.Totals != want {
		t.Errorf("after a restart: %+v, want %+v", w.Totals, want)
	}
	r.cancel()
	r.wait(t, 0)
	if w = r.first(); w.Custom != nil || w.Vitals != nil || w.Totals.Ticks != 20 {
		t.Errorf("after the end: %+v", w)
	}
}

func TestAWorkerStopsByMessage(t *testing.T) {
	r := run(t, talker())
	r.told(t, 1)
	r.cancel()
	r.wait(t, 0)
	if w := r.first(); w.Exits[status.Clean] != 1 || w.ForcedKills != 0 || w.LastExit.Text != "0" {
		t.Errorf("%+v, last exit %+v", w, w.LastExit)
	}
}

// freeze stops a child, and returns once none of its threads runs any more: that
// is when its parent is told, see signal(7) and waitid(2).
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
	for errors.Is(err, unix.EINTR) {
		err = unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPromClientAnswersOverTheChannel(t *testing.T) {
	r := run(t, talker(), actual("mute", "sleep"))
	r.told(t, 2)
	eventually(t, "mute is online, too", func() bool { return r.Snapshot().Apps[1].Workers[0].State == status.Online })
	events := len(r.Recent(100))
	for id := range 2 {
		message, err := r.AskMetrics(t.Context(), status.Target{App: "api", Instance: 0})
		if got := node.MetricsAnswered(message); err != nil || got != id+1 {
			t.Errorf("answer %s, %v; want one to request %d", message, err, id+1)
		}
	}
	if n := len(r.Recent(100)); n != events {
		t.Errorf("%v; want no event of it", r.Recent(100))
	}
	if _, err := r.AskMetrics(t.Context(), status.Target{App: "mute", Instance: 0}); !errors.Is(err, ErrNoChannel) {
		t.Errorf("a worker without a channel: %v", err)
	}
	freeze(t, r.first().Pid)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := r.AskMetrics(ctx, status.Target{App: "api", Instance: 0}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a worker that hangs: %v", err)
	}
	if err := unix.Kill(r.first().Pid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
