package health

import (
	"testing"
	"time"
)

func TestChecksOfReports(t *testing.T) {
	well := App{Name: "api", Desired: 2, Online: 2, Grace: time.Minute, EverReady: true}
	with := func(change func(*App)) []App {
		app := well
		change(&app)
		return []App{app, well}
	}
	tests := []struct {
		name                 string
		report               Report
		live, ready, started bool
	}{
		{"no apps", Report{}, true, true, true},
		{"all well", Report{Apps: []App{well, well}}, true, true, true},
		{"starting", Report{Apps: with(func(a *App) { a.Online, a.EverReady, a.Down = 0, false, time.Second })}, true, false, false},
		{"one of two online", Report{Apps: with(func(a *App) { a.Online = 1 })}, true, true, true},
		{"fewer than ready_min", Report{Apps: with(func(a *App) { a.ReadyMin, a.Online = 2, 1 })}, true, false, true},
		{"as many as ready_min", Report{Apps: with(func(a *App) { a.ReadyMin = 2 })}, true, true, true},
		{"down within its grace", Report{Apps: with(func(a *App) { a.Online, a.Down = 0, time.Minute })}, true, false, true},
		{"down for longer", Report{Apps: with(func(a *App) { a.Online, a.Down = 0, time.Minute+1 })}, false, false, true},
		{"errored", Report{Apps: with(func(a *App) { a.Online, a.Errored = 0, true })}, false, false, true},
		{"completed", Report{Apps: with(func(a *App) { a.Desired, a.Online, a.EverReady, a.Completed = 0, 0, false, true })}, true, true, true},
		{"not started", Report{Apps: with(func(a *App) { a.Desired, a.Online, a.EverReady, a.NotStarted = 0, 0, false, true })}, true, true, true},
		{"ended, not well", Report{Apps: with(func(a *App) { a.Desired, a.Online = 0, 0 })}, true, false, true},
		{"stopping", Report{Stopping: true, Apps: []App{well}}, true, false, true},
		{"stopping and errored", Report{Stopping: true, Apps: with(func(a *App) { a.Online, a.Errored = 0, true })}, true, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := test.report
			if r.Live() != test.live || r.Ready() != test.ready || r.Started() != test.started {
				t.Errorf("live, ready, started = %v, %v, %v, want %v, %v, %v",
					r.Live(), r.Ready(), r.Started(), test.live, test.ready, test.started)
			}
		})
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("api")
	f.Add("a\nb")
	f.Add("a\xffb")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range printable(text) {
			if r == '\n' || r == '\r' || r < ' ' || r == 0x7f {
				t.Errorf("printable(%q) = %q, want one printable line", text, printable(text))
			}
		}
	})
}
