//go:build scenarios

package scenarios_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// language is a kind of worker: each comes to its shared port in another way.
type language string

const (
	nodeScript language = "node"   // by Node's cluster protocol
	staticGo   language = "static" // by the interception of bind
)

// inBothLanguages runs f with Node's workers and with those of a static binary.
func inBothLanguages(t *testing.T, f func(t *testing.T, in language)) {
	t.Helper()
	for _, in := range []language{nodeScript, staticGo} {
		t.Run(string(in), func(t *testing.T) {
			in.require(t)
			f(t, in)
		})
	}
}

func (in language) require(t *testing.T) {
	t.Helper()
	if in == nodeScript {
		if _, err := exec.LookPath("node"); err != nil {
			missing(t, "no node here")
		}
	}
}

// cluster is an app of that language whose workers serve one address, and are
// replaced at once however often they die.
func (in language) cluster(t *testing.T, instances int, args ...string) app {
	t.Helper()
	a := service("web", append([]string{"share"}, args...)...)
	if in == nodeScript {
		a = app{"name": "web", "script": nodeFile(t, "server.js"), "args": args}
	}
	return a.with("exec_mode", "cluster").with("instances", instances).
		with("min_uptime", "1ms").with("exp_backoff_restart_delay", 0).with("max_restarts", 100000)
}

// nodeFile returns the path of a script in testdata/chaos. It reads it, so that
// `go test` knows that a test depends on it.
func nodeFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata/chaos", name))
	if err != nil {
		t.Fatal(err)
	}
	_ = readText(t, path)
	return path
}

// startOnline starts gorun with that app and waits until all its workers are
// online.
func startOnline(t *testing.T, a app) *gorun {
	t.Helper()
	g := start(t, webLaunch(t, subreaper, a))
	g.awaitOnline(t, a)
	return g
}

func (g *gorun) awaitOnline(t *testing.T, a app) {
	t.Helper()
	n, ok := a["instances"].(int)
	if !ok {
		t.Fatalf("instances is %v", a["instances"])
	}
	g.awaitMetric(t, float64(n), "gorun_app_workers", fmt.Sprintf("app=%q", a["name"]), `state="online"`)
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// sum adds up all samples of a metric.
func (g *gorun) sum(t *testing.T, name string) float64 {
	t.Helper()
	_, body := g.get(t, "/metrics")
	var sum float64
	for _, sample := range compile(`^`+name+`(?:\{.*\})? (\S+)$`).FindAllStringSubmatch(body, -1) {
		value, err := strconv.ParseFloat(sample[1], 64)
		if err != nil {
			t.Errorf("%s: %v", sample[0], err)
		}
		sum += value
	}
	return sum
}
