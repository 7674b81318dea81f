//go:build scenarios

package scenarios_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// inspected is an app that listens once the file GO exists.
const inspected = `
const fs = require('fs'), { PORT: port } = process.env;
const look = setInterval(() => { if (!fs.existsSync(process.env.GO)) return; clearInterval(look);
  require('http').createServer((q, s) => s.end(process.pid + '\n')).listen(+port); }, 20);`

// inspector returns the id of the only target at the port; "": nobody listens.
func inspector(t *testing.T, port int) string {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://127.0.0.1:" + strconv.Itoa(port) + "/json/list")
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	var targets []struct{ ID string }
	if err != nil || json.Unmarshal(text, &targets) != nil || len(targets) != 1 {
		t.Fatalf("port %d: %v, %s", port, err, text)
	}
	return targets[0].ID
}

// wantInspectors waits until each port has an inspector, and checks that it is always the
// same and no other's.
func wantInspectors(t *testing.T, ports ...int) {
	t.Helper()
	seen := map[string]int{}
	for _, port := range ports {
		eventually(t, fmt.Sprintf("port %d has an inspector", port), func() bool { return inspector(t, port) != "" })
		for range 10 {
			id := inspector(t, port)
			if other, found := seen[id]; found && other != port {
				t.Fatalf("ports %d and %d have one inspector", port, other)
			}
			seen[id] = port
		}
	}
	if len(seen) != len(ports) {
		t.Errorf("%d inspectors at %d ports", len(seen), len(ports))
	}
}

// L30: no inspector is shared, each worker has its own, and it is no sign that a worker
// serves.
func TestL30EachWorkerHasItsOwnInspector(t *testing.T) {
	node := tool(t, "node")
	for _, way := range []string{"node_args", "NODE_OPTIONS", "host", "SIGUSR1", "NODE_OPTIONS of a shell"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			base, release := freeport.Take(t), filepath.Join(s.dir, "go")
			script := filepath.Join(s.dir, "inspected.js")
			writeFile(t, script, inspected, 0o644)
			env := s.environ("GO", release)
			a := s.app().with("script", script).with("instances", 3).with("env", env)
			option := fmt.Sprintf("--inspect=%d", base)
			switch way {
			case "node_args":
				a = a.with("node_args", option)
			case "host":
				a = a.with("node_args", fmt.Sprintf("--inspect=0.0.0.0:%d", base))
			case "NODE_OPTIONS":
				env["NODE_OPTIONS"] = option
			case "SIGUSR1":
				a = a.with("node_args", fmt.Sprintf("--inspect-port=%d", base))
			case "NODE_OPTIONS of a shell":
				env["NODE_OPTIONS"] = option
				a = a.with("script", node+" "+script+"; exit $?")
			}
			s.write(t, a)
			g := operated{start(t, launch{args: []string{s.file, "--web", "127.0.0.1:0"}, env: []string{"GORUN_SOCKET=" + s.socket}}), s}
			g.err.next(t, "^gorun: listening ")
			if way == "SIGUSR1" {
				eventually(t, "SIGUSR1 arrives", func() bool {
					_ = g.order(t, "sendSignal", "SIGUSR1", "api")
					return inspector(t, base) != "" && inspector(t, base+1) != "" && inspector(t, base+2) != ""
				})
			}
			wantInspectors(t, base, base+1, base+2)
			if states := g.states(t); strings.Contains(states, "online") {
				t.Errorf("an inspector counts as listening: %s", states)
			}
			writeFile(t, release, "", 0o644)
			g.err.next(t, "^gorun: ready ")
			if out := g.ok(t, "list", "--json"); strings.Contains(out, strconv.Itoa(base)) || !strings.Contains(out, "]:"+strings.TrimPrefix(s.address, "127.0.0.1:")+`"`) {
				t.Errorf("shared addresses: %s", out)
			}
			if way != "SIGUSR1" {
				g.ok(t, "reload", "api", "--parallel", "1")
				wantInspectors(t, base+3, base+4, base+5)
			}
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}

// L30: where gorun cannot name a port, the first worker has the inspector, and nobody
// shares it.
func TestL30AnInspectorThatAScriptNamesIsNotShared(t *testing.T) {
	node := tool(t, "node")
	s := newSite(t)
	base, release := freeport.Take(t), filepath.Join(s.dir, "go")
	script := filepath.Join(s.dir, "inspected.js")
	writeFile(t, script, inspected, 0o644)
	a := s.app().with("script", fmt.Sprintf("%s --inspect=%d %s; exit $?", node, base, script)).with("instances", 3).with("env", s.environ("GO", release))
	s.write(t, a)
	g := operated{start(t, launch{args: []string{s.file, "--web", "127.0.0.1:0"}, env: []string{"GORUN_SOCKET=" + s.socket}}), s}
	g.err.next(t, "Debugger listening")
	for range 2 {
		g.err.next(t, "address already in use")
	}
	wantInspectors(t, base)
	if states := g.states(t); strings.Contains(states, "online") {
		t.Errorf("an inspector counts as listening: %s", states)
	}
	if err := os.WriteFile(release, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	g.err.next(t, "^gorun: ready ")
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}
