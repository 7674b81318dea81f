//go:build scenarios

package scenarios_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// L31: what a worker sends to Node's primary goes to the other workers, as by the primary
// of socket.io's cluster adapter.
func TestL31WorkersHearEachOther(t *testing.T) {
	tool(t, "node")
	s := newSite(t)
	script := filepath.Join(s.dir, "chat.js")
	writeFile(t, script, `const me = process.env.NODE_APP_INSTANCE;
process.on('message', m => console.log(me + ' heard ' + m.source + ' of ' + m.from));
require('http').createServer((q, r) => { process.send({source: '_sio_adapter', from: me}); r.end('pid ' + process.pid + '\n'); }).listen(process.env.PORT, '127.0.0.1');`, 0o644)
	g := operate(t, s, s.app().with("script", script).with("instances", 3).with("relay_messages", true))
	s.asker("").mustAsk(t)
	from := g.out.next(t, `^\d heard _sio_adapter of (\d)$`)[1]
	if second := g.out.next(t, `^(\d) heard _sio_adapter of (\d)$`); second[2] != from || second[1] == from {
		t.Errorf("%s heard %s, and the first heard %s", second[1], second[2], from)
	}
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}
