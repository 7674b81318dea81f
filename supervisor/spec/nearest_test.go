package spec

import "testing"

func TestNearestFindsWhatWasMeant(t *testing.T) {
	known := []string{"web", "max_restarts", "kill_timeout", "cluster", "all"}
	for word, want := range map[string]string{
		"wbe": "web", "maxRestart": "max_restarts", "KILL-TIMEOT": "kill_timeout", "clutser": "cluster", "al": "all",
		"": "", "db": "", "fork": "", "web": "", "worker": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
