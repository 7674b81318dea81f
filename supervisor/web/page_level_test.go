package web

import (
	"testing"
	"time"

	"gorun/supervisor/status"
)

func TestPageTitle(t *testing.T) {
	now := time.Now()
	in := func(state status.State) status.App {
		app := workers("api", 0, 4, now)
		app.Workers[3].State, app.Workers[3].Ready = state, false
		return app
	}
	well, unready := workers("web", 4, 4, now), in(status.Online)
	blocked, completed, unstarted, stopped := workers("a", 0, 0, now), workers("a", 0, 0, now), workers("a", 0, 0, now), workers("a", 0, 0, now)
	blocked.Blocked, completed.Completed, unstarted.NotStarted, stopped.StoppedByOperator = "waits for app b", true, true, true
	launching := in(status.Launching)
	for _, test := range []struct {
		name string
		apps []status.App
		want string
	}{
		{"all online", []status.App{well}, "✓ gorun: 1 app"},
		{"crashed", []status.App{well, in(status.WaitingRestart)}, "✗ api: 3 of 4 online"},
		{"given up", []status.App{in(status.Errored), well}, "✗ api: 3 of 4 online"},
		{"two are not well", []status.App{in(status.Errored), in(status.Errored)}, "✗ api: 3 of 4 online, and 1 more"},
		{"crashed goes before launching", []status.App{launching, in(status.Errored)}, "✗ api: 3 of 4 online"},
		{"launching", []status.App{launching}, "… api: 3 of 4 online"},
		{"not ready", []status.App{unready}, "… api: 4 of 4 online, 1 not ready"},
		{"waiting for another", []status.App{well, blocked}, "… a: waiting"},
		{"nothing left to do", []status.App{completed, unstarted, stopped}, "✓ gorun: 3 apps"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := summarize(status.Snapshot{Apps: test.apps}).Title(); got != test.want {
				t.Errorf("Title() = %q, want %q", got, test.want)
			}
		})
	}
	if got := summarize(status.Snapshot{ShuttingDown: true}).Title(); got != "… gorun: stopping" {
		t.Errorf("Title() = %q while stopping", got)
	}
}

func TestPageNumbers(t *testing.T) {
	for got, want := range map[string]string{
		age(-time.Second): "0 s", age(59 * time.Second): "59 s", age(61 * time.Second): "1 min", age(47 * time.Hour): "47 h", age(49 * time.Hour): "2 d",
		percent(0.04): "0.0 %", percent(9.94): "9.9 %", percent(150.4): "150 %",
		shorten("漢字漢字", 4): "漢字漢字", shorten("漢字漢字漢", 4): "漢字漢…",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
