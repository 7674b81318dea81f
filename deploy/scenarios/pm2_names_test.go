//go:build scenarios

package scenarios_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pm2File is written as people write them for pm2.
const pm2File = `
const path = require('path');
const { name } = require('./package.json');
const workers = Math.max(2, require('os').cpus().length - 64);
const common = { max_restarts: 3, merge_logs: false, env: { NODE_ENV: 'development', PORT: process.env.SITE_PORT } };
module.exports = {
  apps: [
    { ...common, name, script: path.join(__dirname, 'tell.js'), instances: workers, exec_mode: 'cluster', wait_ready: true,
      env_production: { NODE_ENV: 'production', RELEASE: '1' } },
    { ...common, name: 'ports', script: './port.sh', instances: 2, increment_var: 'PORT', env: { PORT: 4000 }, out_file: 'logs/ports.log', vizion: false },
  ],
  deploy: { production: { user: 'node', host: ['a', 'b'], repo: 'git@example.org:x.git' } },
};
`

const tellServer = `
require('http').createServer((request, response) => {
  const { NODE_ENV, RELEASE, NODE_APP_INSTANCE } = process.env;
  response.end(JSON.stringify({ NODE_ENV, RELEASE, NODE_APP_INSTANCE }));
}).listen(process.env.PORT, '127.0.0.1', () => process.send('ready'));
`

// newPm2Image is a container that was made for pm2-runtime: a symlink of that
// name is all that changed.
func newPm2Image(t *testing.T) (site, launch) {
	t.Helper()
	tool(t, "node")
	s := newSite(t)
	s.file = filepath.Join(s.dir, "ecosystem.config.js")
	writeFile(t, s.file, pm2File, 0o644)
	writeFile(t, filepath.Join(s.dir, "package.json"), `{"name": "shop"}`, 0o644)
	writeFile(t, filepath.Join(s.dir, "tell.js"), tellServer, 0o644)
	writeFile(t, filepath.Join(s.dir, "port.sh"), "#!/bin/sh\necho \"port $PORT\"\nexec sleep 3600\n", 0o755)
	name := filepath.Join(s.dir, "pm2-runtime")
	if err := os.Symlink(gorunBinary, name); err != nil {
		t.Fatal(err)
	}
	return s, launch{
		name: name, dir: s.dir, env: []string{"GORUN_SOCKET=" + s.socket, "SITE_PORT=" + place{address: s.address}.port()},
		args: []string{"start", "ecosystem.config.js", "--env", "production", "--web", "127.0.0.1:0", "--no-daemon"},
	}
}

// told is what tell.js answers to n connections.
func (s site) told(t *testing.T, n int) []string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var all []string
	for range n {
		response, err := client.Get("http://" + s.address)
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]string
		err = json.NewDecoder(response.Body).Decode(&answer)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %s %s", answer["NODE_ENV"], answer["RELEASE"], answer["NODE_APP_INSTANCE"]))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// The issue: an image of pm2-runtime changes one line.
func TestPm2RuntimesCommandLineAndFileRunAsTheyAre(t *testing.T) {
	t.Parallel()
	s, l := newPm2Image(t)
	g := operated{start(t, l), s}
	g.err.next(t, "^gorun: ready ")
	if got := strings.Join(s.told(t, 40), ", "); got != "production 1 0, production 1 1" {
		t.Errorf("the workers tell %s", got)
	}
	g.wantStates(t, "ports/0 online, ports/1 online, shop/0 online, shop/1 online")
	for i := range 2 {
		path := filepath.Join(s.dir, "logs", fmt.Sprintf("ports-%d.log", i))
		eventually(t, path, func() bool {
			content, err := os.ReadFile(path)
			return err == nil && string(content) == fmt.Sprintf("port %d\n", 4000+i)
		})
	}
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}

// The file is evaluated anew; what it no longer says is gone, and one that fails
// changes nothing.
func TestAReloadEvaluatesTheFileAnew(t *testing.T) {
	t.Parallel()
	s, l := newPm2Image(t)
	g := operated{start(t, l), s}
	g.err.next(t, "^gorun: ready ")
	writeFile(t, s.file, strings.ReplaceAll(pm2File, ", RELEASE: '1'", ", NODE_ENV: 'staging'"), 0o644)
	g.ok(t, "reload", s.file)
	if got := strings.Join(s.told(t, 40), ", "); got != "staging  0, staging  1" {
		t.Errorf("after the reload the workers tell %s", got)
	}
	writeFile(t, s.file, "\nmodule.exports = { apps: [nothing] }", 0o644)
	g.refused(t, []string{"reload", s.file}, "ecosystem.config.js:2:", "ReferenceError: nothing is not defined")
	if got := strings.Join(s.told(t, 40), ", "); got != "staging  0, staging  1" {
		t.Errorf("after a file that fails the workers tell %s", got)
	}
}

// The issue: pm2 shows 0 % and npm's memory for this file, and no lines.
func TestANextAppBehindNpmIsSeenAsItIs(t *testing.T) {
	long(t)
	t.Parallel()
	s := newSite(t)
	g := operate(t, s, app{
		"name": "shop", "script": tool(t, "npm"), "args": "start", "instances": "max", "exec_mode": "cluster",
		"cwd": fromNPM(t, "../next"), "env": s.environ("NEXT_TELEMETRY_DISABLED", "1"), "listen_timeout": "1m",
	})
	for range 20 {
		if status, _ := get(t, "http://"+s.address+"/"); status != 200 {
			t.Errorf("Next.js answers %d", status)
		}
	}
	var list []struct {
		Workers []struct {
			Pid    int
			CPU    float64 `json:"cpu_seconds"`
			Memory int64   `json:"memory_bytes"`
		}
	}
	if err := json.Unmarshal([]byte(g.ok(t, "list", "--json")), &list); err != nil || len(list) != 1 || len(list[0].Workers) == 0 {
		t.Fatalf("gorun list --json: %v, %+v", err, list)
	}
	for _, w := range list[0].Workers {
		if npm := memory(t, w.Pid, "VmRSS"); w.Memory < 3*npm/2 || w.CPU < 0.3 {
			t.Errorf("a worker is told with %d MiB and %v s of CPU; npm alone has %d MiB", w.Memory>>20, w.CPU, npm>>20)
		}
	}
	eventually(t, "what every worker said in gorun logs", func() bool {
		return strings.Count(g.ok(t, "logs", "shop", "--nostream", "--lines", "100"), "Ready in") == len(list[0].Workers)
	})
}
