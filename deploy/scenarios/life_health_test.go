//go:build scenarios

package scenarios_test

import (
	"net"
	"path/filepath"
	"strconv"
	"testing"

	"gorun/deploy/scenarios/freeport"
)

// L27: a health check in fork mode asks where the worker has bound, as Next does with
// HOSTNAME, and says why it fails.
func TestL27AHealthCheckAsksTheAddressThatWasBound(t *testing.T) {
	t.Parallel()
	tool(t, "node")
	s := newSite(t)
	script := filepath.Join(s.dir, "bound.js")
	writeFile(t, script, `require('http').createServer((q, r) => r.end('ok\n')).listen(process.env.PORT, process.env.HOSTNAME);`, 0o644)
	listens := func(name, host string) app {
		return app{
			"name": name, "script": script, "port": mustPort(t, freeport.Address(t)), "autorestart": false, "listen_timeout": "2s",
			"env": map[string]string{"HOSTNAME": host}, "health": map[string]any{"http": "/", "start_period": "1s"},
		}
	}
	apps := []app{listens("one", "127.0.0.9"), listens("every", "0.0.0.0"), listens("both", "::"), listens("loopback", "localhost")}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		_ = l.Close()
		apps = append(apps, listens("six", "::1"))
	}
	states := ""
	for i, name := range []string{"both", "every", "loopback", "one", "six"}[:len(apps)] {
		states += map[bool]string{false: ", "}[i == 0] + name + "/0 online"
	}
	g := operate(t, s, apps...)
	g.wantStates(t, states)
	_, free, err := net.SplitHostPort(freeport.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(free)
	lost := listens("lost", "127.0.0.9").with("health", map[string]any{"http": map[string]any{"path": "/", "port": port}, "start_period": "1s"})
	g.refused(t, []string{"start", ecosystem(t, lost)}, "connection refused")
	g.tells(t, []string{"show", "lost"}, "connection refused")
	g.tells(t, []string{"events", "--nostream"}, "connection refused")
}
