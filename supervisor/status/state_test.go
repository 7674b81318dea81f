package status

import (
	"slices"
	"testing"
)

// TestStepsAreThoseOfTheDesign has the table of design.md, row by row.
func TestStepsAreThoseOfTheDesign(t *testing.T) {
	table := []struct {
		event    string
		from, to []State
	}{
		{"start", []State{Stopped, Errored}, []State{Launching}},
		{"ready", []State{Launching}, []State{Online}},
		{"exit", []State{Launching, Online}, []State{WaitingRestart, Stopped, Errored}},
		{"cannot start", []State{Launching}, []State{WaitingRestart, Stopped, Errored}},
		{"stop, restart", []State{Launching, Online}, []State{Stopping}},
		{"misbehaves", []State{Launching, Online}, []State{Stopping}},
		{"gone, after a stop", []State{Stopping}, []State{Stopped}},
		{"gone, after a restart that somebody wanted", []State{Stopping}, []State{Launching}},
		{"gone, after misbehaving", []State{Stopping}, []State{WaitingRestart, Stopped, Errored}},
		{"delay over, restart", []State{WaitingRestart}, []State{Launching}},
		{"stop", []State{WaitingRestart}, []State{Stopped}},
	}
	var want [len(States)][len(States)]bool
	for _, row := range table {
		for _, from := range row.from {
			for _, to := range row.to {
				want[from][to] = true
			}
		}
	}
	for _, from := range States {
		for _, to := range States {
			if got := slices.Contains(Transitions[from], to); got != want[from][to] {
				t.Errorf("step %v → %v: legal = %v, want %v", from, to, got, want[from][to])
			}
		}
	}
}
