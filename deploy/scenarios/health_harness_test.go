//go:build scenarios

package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/deploy/scenarios/freeport"
)

// patients are the programs of testdata/health, which can be made sick. None
// knows of gorun.
func patients(t *testing.T) []program {
	t.Helper()
	var found []program
	for _, p := range reloaded {
		if p.name == staticProgram.name {
			p = staticPatient
		}
		found = append(found, p)
	}
	return found
}

var staticPatient = program{"static Go", func(t *testing.T, s site) app {
	t.Helper()
	return s.app().with("script", healthBinary(t)).with("interpreter", "none")
}}

// healthBinary is the static binary of testdata/health.
var healthBinary = builtOnce("health")

// newClinic is a site with the programs of testdata/health.
func newClinic(t *testing.T) site {
	t.Helper()
	dir := openDir(t)
	if err := os.CopyFS(dir, os.DirFS("testdata/health")); err != nil {
		t.Fatal(err)
	}
	return site{
		dir: dir, address: freeport.Address(t),
		file: filepath.Join(dir, "ecosystem.json"), socket: filepath.Join(dir, "sock"),
	}
}

// checked is the app with four workers whose health is checked in this way.
// A worker that hangs is found after two seconds, and killed soon.
func (a app) checked(way string, how any) app {
	return a.with("instances", 4).with("kill_timeout", "600ms").with("health", map[string]any{
		way: how, "interval": "200ms", "timeout": "800ms", "retries": 2,
	})
}

// because changes one key of how its health is checked.
func (a app) because(key string, value any) app {
	changed := map[string]any{key: value}
	if before, ok := a["health"].(map[string]any); ok {
		for k, v := range before {
			if k != key {
				changed[k] = v
			}
		}
	}
	return a.with("health", changed)
}

// unhealthy is gorun's line about a worker of api whose check fails.
const unhealthy = `worker is unhealthy.*worker=api/(\d+) `

// sicken makes a worker sick, in the way of its program, and returns its name
// and the process that answers. It may be found at once: the members are those of before.
func (g operated) sicken(t *testing.T, members map[string]member, way string) (worker string, pid int) {
	t.Helper()
	if way == "stop" {
		pid = g.site.asker("").mustAsk(t)
		worker = workerOf(t, members, pid)
		freeze(t, pid)
		return worker, pid
	}
	pid = g.site.asker("sick/" + way).mustHear(t)
	return workerOf(t, members, pid), pid
}

// workerOf names the worker whose process that is, or an ancestor of it.
func workerOf(t *testing.T, members map[string]member, pid int) string {
	t.Helper()
	for at := pid; at > 1; {
		for name, m := range members {
			if m.Pid == at {
				return name
			}
		}
		p, _ := readProcess(fmt.Sprintf("/proc/%d", at))
		at = p.parent
	}
	t.Fatalf("process %d is none of %v", pid, members)
	return ""
}

// healthMetric returns a sample of the worker.
func (g operated) healthMetric(t *testing.T, name, worker string, labels ...string) float64 {
	t.Helper()
	_, instance, _ := strings.Cut(worker, "/")
	value, _ := g.metric(t, name, append(labels, `app="api"`, `worker="`+instance+`"`)...)
	return value
}

// awaitServing waits until so many workers of api are online and healthy.
func (g operated) awaitServing(t *testing.T, n int) {
	t.Helper()
	want := fmt.Sprintf("app api ok: %d of 4 workers online", n)
	eventually(t, want, func() bool {
		_, body := g.get(t, "/readyz?verbose")
		return strings.Contains(body, want)
	})
}

// awaitLeft waits until the worker that was found unhealthy has left the steering:
// gorun says so in its log first, and publishes it when it is done.
func (g operated) awaitLeft(t *testing.T, worker string, pid int) {
	t.Helper()
	eventually(t, worker+" has left the steering", func() bool {
		return g.healthMetric(t, "gorun_worker_ready", worker) == 0 || g.members(t)[worker].Pid != pid
	})
}
