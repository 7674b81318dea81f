package supervisor

import (
	"slices"
	"testing"

	"gorun/supervisor/status"
)

// TestStepsAreThoseOfTheDesign has the table of design.md, row by row.
func TestStepsAreThoseOfTheDesign(t *testing.T) {
	table := []struct {
		event    string
		from, to []status.State
	}{
		{"start", []status.State{status.Stopped, status.Errored}, []status.State{status.Launching}},
		{"ready", []status.State{status.Launching}, []status.State{status.Online}},
		{"exit", []status.State{status.Launching, status.Online}, []status.State{status.WaitingRestart, status.Stopped, status.Errored}},
		{"cannot start", []status.State{status.Launching}, []status.State{status.WaitingRestart, status.Stopped, status.Errored}},
		{"stop, restart", []status.State{status.Launching, status.Online}, []status.State{status.Stopping}},
		{"misbehaves", []status.State{status.Launching, status.Online}, []status.State{status.Stopping}},
		{"gone, after a stop", []status.State{status.Stopping}, []status.State{status.Stopped}},
		{"gone, after a restart that somebody wanted", []status.State{status.Stopping}, []status.State{status.Launching}},
		{"gone, after misbehaving", []status.State{status.Stopping}, []status.State{status.WaitingRestart, status.Stopped, status.Errored}},
		{"delay over, restart", []status.State{status.WaitingRestart}, []status.State{status.Launching}},
		{"stop", []status.State{status.WaitingRestart}, []status.State{status.Stopped}},
	}
	var want [len(status.States)][len(status.States)]bool
	for _, row := range table {
		for _, from := range row.from {
			for _, to := range row.to {
				want[from][to] = true
			}
		}
	}
	for _, from := range status.States {
		for _, to := range status.States {
			if got := slices.Contains(status.Steps[from], to); got != want[from][to] {
				t.Errorf("step %v → %v: legal = %v, want %v", from, to, got, want[from][to])
			}
		}
	}
}
