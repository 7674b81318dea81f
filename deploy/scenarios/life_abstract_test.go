//go:build scenarios

package scenarios_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// L35: a Node client reaches Node's abstract socket by its name.
func TestL35NodeClientsReachAnAbstractSocket(t *testing.T) {
	tool(t, "node")
	s := newSite(t)
	script := filepath.Join(s.dir, "abstract.js")
	writeFile(t, script, `const net = require('net'), name = '\0' + process.env.NAME;
net.createServer(c => c.end('hello')).listen(name, () => net.connect(name)
  .on('data', d => console.log('client got ' + d)).on('error', e => console.log('client failed: ' + e.code)));
process.on('message', () => net.createServer().on('error', e => console.log('again: ' + e.code)).listen(name));`, 0o644)
	g := operate(t, s, s.app().with("script", script).with("instances", 2).with("env", s.environ("NAME", fmt.Sprint("gorun-scenario-", s.address))))
	for range 2 {
		g.out.next(t, "^client got hello$")
	}
	g.ok(t, "send", "api/0", "again")
	g.out.next(t, "^again: EADDRINUSE$")
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}
