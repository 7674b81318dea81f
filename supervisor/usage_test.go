package supervisor

import (
	"slices"
	"testing"
	"time"

	"gorun/supervisor/process"
	"gorun/supervisor/status"
)

func TestTheSumOfCPUTimeNeverFalls(t *testing.T) {
	var m meter
	first, second := &process.Process{}, &process.Process{}
	is := func(what string, got, want time.Duration) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	is("before the first run", m.total(nil, 0), 0)
	m.begin(first)
	is("in a run", m.total(first, 3*time.Second), 3*time.Second)
	is("when less is seen, as a child has gone", m.total(first, 2*time.Second), 3*time.Second)
	m.end(first, time.Second)
	is("after a run that told of less", m.total(nil, 0), 3*time.Second)
	is("a look that comes too late", m.total(first, 9*time.Second), 3*time.Second)
	m.begin(second)
	is("a look that comes far too late", m.total(first, 9*time.Second), 3*time.Second)
	is("in the second run", m.total(second, time.Second), 4*time.Second)
	m.end(second, 5*time.Second)
	is("after a run that told of more", m.total(nil, 0), 8*time.Second)
	m.begin(first)
	m.begin(second)
	m.total(first, 2*time.Second)
	is("while one run replaces another", m.total(second, time.Second), 11*time.Second)
	m.end(first, 4*time.Second)
	is("when the older one is gone", m.total(second, 2*time.Second), 14*time.Second)
}

func TestHistogramsAreCumulative(t *testing.T) {
	h := status.Histogram{}.Observe(50 * time.Millisecond).Observe(2 * time.Second).Observe(time.Hour)
	sum := h.Plus(h)
	if h.Count != 3 || h.Sum != 3602.05 || h.Buckets[0] != 1 || h.Buckets[5] != 2 || h.Buckets[len(h.Buckets)-1] != 2 {
		t.Errorf("after 50ms, 2s, 1h: %+v", h)
	}
	if sum.Count != 6 || sum.Buckets[5] != 4 {
		t.Errorf("twice that: %+v", sum)
	}
}

func TestNames(t *testing.T) {
	names := map[string]string{}
	for _, s := range status.States {
		names[s.String()] = ""
	}
	for _, r := range status.Reasons {
		names[r.String()] = ""
	}
	for _, o := range status.Outcomes {
		names[o.String()] = ""
	}
	for _, want := range []string{
		"stopped", "launching", "online", "stopping", "waiting restart", "errored",
		"exit", "memory", "manual", "clean", "error", "signal", "oom", "killed",
	} {
		if _, found := names[want]; !found {
			t.Errorf("nothing is called %q", want)
		}
	}
}

func TestSizesForPeople(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 512 << 20: "512 MiB", 3 << 29: "1.5 GiB"} {
		if got := size(bytes); got != want {
			t.Errorf("size(%d) = %q, want %q", bytes, got, want)
		}
	}
}

func TestAnAppAddsUpItsWorkers(t *testing.T) {
	early, late := &status.Exit{Text: "1", At: time.Unix(1, 0)}, &status.Exit{Text: "2", At: time.Unix(2, 0)}
	app := status.App{Blocked: "waits for app db", Workers: []status.Worker{
		{Instance: 0, State: status.Online, Ready: true, LastExit: late},
		{Instance: 1, State: status.WaitingRestart, LastExit: early},
		{Instance: 2, State: status.Errored},
	}}
	app.Workers[0].Restarts[status.ByManual], app.Workers[1].Restarts[status.ByExit] = 2, 3
	if app.Online() != 1 || app.Restarts() != 5 || app.LastExit() != late || app.Errored() {
		t.Errorf("online %d, restarts %d, last exit %v, errored %v", app.Online(), app.Restarts(), app.LastExit(), app.Errored())
	}
	want := []string{"waits for app db", "worker 1 is waiting restart, last exit 1", "worker 2 is errored"}
	if got := app.Troubles(); !slices.Equal(got, want) {
		t.Errorf("Troubles() = %q, want %q", got, want)
	}
}
