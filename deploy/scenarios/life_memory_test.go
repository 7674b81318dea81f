//go:build scenarios

package scenarios_test

import (
	"path/filepath"
	"testing"
	"time"
)

// L22: pages that a pre-forking server shares with its children were counted in each.
func TestL22APreforkingServerIsNotRestarted(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("testdata/life/prefork.py")
	if err != nil {
		t.Fatal(err)
	}
	const limit = 250 << 20
	prefork := app{"name": "prefork", "script": script, "interpreter": tool(t, "python3"), "max_memory_restart": limit}
	lavish := service("lavish", "crash-after", "1h", "0").with("max_memory_restart", "1M")
	g := start(t, webLaunch(t, subreaper, prefork, lavish))
	g.out.nth(t, "^up", 5)
	g.awaitMetric(t, 5, "gorun_worker_processes", `app="prefork"`)
	eventually(t, "the memory is looked at: the other one is restarted", func() bool {
		n, _ := g.metric(t, "gorun_worker_restarts_total", `app="lavish"`, `reason="memory"`)
		return n > 0
	})
	<-time.After(2 * time.Second) // two more looks
	if n, _ := g.metric(t, "gorun_worker_restarts_total", `app="prefork"`, `reason="memory"`); n != 0 {
		t.Errorf("restarted %v times", n)
	}
	if used, _ := g.metric(t, "gorun_worker_resident_memory_bytes", `app="prefork"`); used < 100<<20 || used > limit {
		t.Errorf("it shows as %v MiB, want a bit more than the 100 that it has", used/(1<<20))
	}
}
