package ecosystem

import (
	"fmt"
	"testing"
	"time"
)

func TestSharingIsChosenByWhatRuns(t *testing.T) {
	dir := scriptDir(t)
	tests := []struct{ name, file, want string }{
		{"one Node script", "script: server.js", "fork none"},
		{"several Node workers", "script: server.js\ninstances: 2", "cluster node"},
		{"several Node workers that want a port each", "script: server.js\ninstances: 2\nexec_mode: fork", "fork none"},
		{"Node asked for", "script: server.js\nexec_mode: cluster", "cluster node"},
		{"Node, but not its protocol", "script: server.js\nexec_mode: cluster\nsharing: intercept", "cluster intercept"},
		{"Python", "script: app.py\nexec_mode: cluster", "cluster intercept"},
		{"several others", "script: app.py\ninstances: 2", "fork none"},
		{"sockets passed on", "script: app.py\nlisten: 8080", "fork inherit"},
		{"nothing, by wish", "script: app.py\nexec_mode: cluster\nsharing: none", "cluster none"},
	}
	for _, tt := range tests {
		file, err := Load(source(dir, tt.file+"\n"))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := fmt.Sprint(file.Apps[0].Mode, " ", file.Apps[0].Sharing); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDrainTakesHalfOfKillTimeout(t *testing.T) {
	file, err := Load(source(scriptDir(t), "script: app.py\nkill_timeout: 10s\n"))
	if err != nil || file.Apps[0].DrainTimeout != 5*time.Second {
		t.Errorf("drain_timeout = %v (%v), want 5s", file.Apps, err)
	}
}
