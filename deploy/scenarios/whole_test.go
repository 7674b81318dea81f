//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const nodeServer = `
const http = require('http');
http.createServer((request, response) => response.end('node ' + process.env.NODE_APP_INSTANCE))
  .listen(0, '127.0.0.1', function () { console.log('node listens on ' + this.address().port); });
`

const pythonWorker = `
import os, time
print("python works as", os.environ["name"])
while True:
    time.sleep(3600)
`

// wholeFile is an ecosystem of four languages.
func wholeFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "server.js"), nodeServer, 0o644)
	writeFile(t, filepath.Join(dir, "worker.py"), pythonWorker, 0o644)
	writeFile(t, filepath.Join(dir, "migrate.sh"), "echo migrated; exit 0\n", 0o644)
	path := filepath.Join(dir, "ecosystem.yaml")
	writeFile(t, path, fmt.Sprintf(`
# Node, Python, a shell one-shot and a static binary.
apps:
  - name: web
    script: server.js
    exec_mode: fork
    depends_on: {migrate: completed}
  - name: queue
    script: worker.py
  - name: migrate
    script: migrate.sh
    autorestart: false
  - name: static
    script: %s
    args: http 0
    instances: 2
    exec_mode: fork
`, workerBinary), 0o644)
	return path
}

// The issue: one file of everything as PID 1.
func TestAWholeEcosystemRunsAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"node", "python3", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, err.Error())
		}
	}
	inBothModes(t, func(t *testing.T, m mode) {
		file := wholeFile(t)
		g := start(t, launch{mode: m, dir: filepath.Dir(file), args: []string{file, "--web", "127.0.0.1:0"}})
		nodePort := g.out.next(t, `^node listens on (\d+)$`)[1]
		g.out.next(t, `^python works as queue$`)
		g.out.next(t, `^migrated$`)
		static := g.out.nth(t, `^listening (\S+)$`, 2)[1]
		if status, body := get(t, "http://127.0.0.1:"+nodePort); status != 200 || body != "node 0" {
			t.Errorf("node answers %d %q", status, body)
		}
		if status, body := get(t, "http://"+static); status != 200 || !strings.HasPrefix(body, "static") {
			t.Errorf("the static binary answers %d %q", status, body)
		}
		for _, path := range []string{"/startupz", "/readyz", "/livez", "/health"} {
			eventually(t, path, func() bool { status, _ := g.get(t, path); return status == 200 })
		}
		checkHealth(t, g)
		checkMetrics(t, g)
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
		if g.err.has("killed") {
			t.Errorf("obedient workers had to be killed:\n%s", g.err.text())
		}
	})
}

func checkHealth(t *testing.T, g *gorun) {
	t.Helper()
	_, body := g.get(t, "/health")
	for _, name := range []string{"web", "queue", "migrate", "static"} {
		if !strings.Contains(body, `"`+name+`"`) {
			t.Errorf("/health does not name %s:\n%s", name, body)
		}
	}
	address := g.address(t)
	for _, args := range [][]string{{"health", "--web", address}, {"health", "web", "--web", address}} {
		out, err := exec.Command(gorunBinary, args...).CombinedOutput()
		if err != nil {
			t.Errorf("gorun %v: %v\n%s", args, err, out)
		}
	}
	if err := exec.Command(gorunBinary, "health", "nobody", "--web", address).Run(); err == nil {
		t.Error("gorun health of an unknown app exits 0")
	}
}

// checkMetrics asks promtool, which must have nothing to say.
func checkMetrics(t *testing.T, g *gorun) {
	t.Helper()
	_, body := g.get(t, "/metrics")
	for _, sample := range []string{
		`gorun_app_workers{app="static",state="online"} 2`,
		`gorun_app_workers{app="web",state="online"} 1`,
		`gorun_worker_last_exit_code{app="migrate",worker="0"} 0`,
		`gorun_app_workers_desired{app="static"} 2`,
		"gorun_ready 1", "gorun_live 1", "gorun_shutting_down 0",
	} {
		if !strings.Contains(body, "\n"+sample+"\n") {
			t.Errorf("no %s in:\n%s", sample, body)
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		missing(t, err.Error())
	}
	c := exec.Command(promtool, "check", "metrics")
	c.Stdin = strings.NewReader(body)
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// The issue: RSS of at most 20 MB with two workers.
func TestGorunStaysSmallWithTwoWorkers(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, webLaunch(t, m, service("app", "http", "0").with("instances", 2).with("exec_mode", "fork")))
		g.out.nth(t, "^listening", 2)
		g.err.next(t, "^gorun: ready") // the start's memory is given back by now
		g.awaitMetric(t, 2, "gorun_app_workers", `app="app"`, `state="online"`)
		rss := memory(t, g.pid, "VmRSS")
		t.Logf("RSS %d KiB, of it anonymous %d KiB", rss>>10, memory(t, g.pid, "RssAnon")>>10)
		if rss > 20_000_000 {
			t.Errorf("RSS is %d bytes, want at most 20 MB", rss)
		}
	})
}

// Beside a command that stays gorun gives back what its own start needed.
func TestGorunExecStaysSmall(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: []string{"exec", "--", "/bin/sh", "-c", "echo ready; exec sleep 1000"}})
		g.out.next(t, "^ready")
		eventually(t, "small", func() bool { return memory(t, g.pid, "VmRSS") < 8_000_000 })
		t.Logf("RSS %d KiB", memory(t, g.pid, "VmRSS")>>10)
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 143)
	})
}
