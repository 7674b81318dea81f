package status

import (
	"slices"
	"testing"
	"time"
)

func TestHistogramsAreCumulative(t *testing.T) {
	h := Histogram{}.Observe(50 * time.Millisecond).Observe(2 * time.Second).Observe(time.Hour)
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
	for _, s := range States {
		names[s.String()] = ""
	}
	for _, r := range Reasons {
		names[r.String()] = ""
	}
	for _, o := range Outcomes {
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

func TestAnAppAddsUpItsWorkers(t *testing.T) {
	early, late := &Exit{Text: "1", At: time.Unix(1, 0)}, &Exit{Text: "2", At: time.Unix(2, 0)}
	app := App{Blocked: "waits for app db", Workers: []Worker{
		{Instance: 0, State: Online, Ready: true, LastExit: late},
		{Instance: 1, State: WaitingRestart, LastExit: early},
		{Instance: 2, State: Errored},
	}}
	app.Workers[0].Restarts[ByManual], app.Workers[1].Restarts[ByExit] = 2, 3
	if app.Online() != 1 || app.Restarts() != 5 || app.LastExit() != late || app.Errored() {
		t.Errorf("online %d, restarts %d, last exit %v, errored %v", app.Online(), app.Restarts(), app.LastExit(), app.Errored())
	}
	want := []string{"waits for app db", "worker 1 is waiting restart, last exit 1", "worker 2 is errored"}
	if got := app.Troubles(); !slices.Equal(got, want) {
		t.Errorf("Troubles() = %q, want %q", got, want)
	}
}
