package metrics

import (
	"os"
	"os/exec"
	"testing"

	"gorun/supervisor/status"
)

func TestPromtoolHasNothingToSay(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool is required: install Debian's package prometheus")
		}
		t.Skip("no promtool: install Debian's package prometheus")
	}
	sources := map[string]fake{
		"full":    full,
		"empty":   func() status.Snapshot { return status.Snapshot{} },
		"hostile": hostile,
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			command := exec.Command(promtool, "check", "metrics")
			command.Stdin = scrape(t, Handler(options(source)), "").Body
			if output, err := command.CombinedOutput(); err != nil || len(output) > 0 {
				t.Errorf("promtool check metrics: %v\n%s", err, output)
			}
		})
	}
}
