//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"path/filepath"
	"testing"
)

const nodeCluster = `
const cluster = require('cluster');
if (cluster.isPrimary) { cluster.fork(); cluster.fork(); } else require('./server.js');
`

const nodeEverywhere = `
require('http').createServer((request, response) => response.end('worker ' + process.env.NODE_APP_INSTANCE))
  .listen(process.env.PORT);
`

// Servers with processes of their own share the accept queue of their worker.
func TestServersWithWorkersOfTheirOwnShareOnePort(t *testing.T) {
	long(t)
	tests := map[string]func(t *testing.T, p place) app{
		"gunicorn": func(t *testing.T, p place) app {
			return app{"script": tool(t, "gunicorn"), "args": []string{"-w", "2", "-b", p.address, "wsgi:app"}}
		},
		"gunicorn with SO_REUSEPORT": func(t *testing.T, p place) app {
			return app{"script": tool(t, "gunicorn"), "args": []string{"--reuse-port", "-b", p.address, "wsgi:app"}}
		},
		"uvicorn": func(t *testing.T, p place) app {
			return app{"script": tool(t, "uvicorn"), "args": []string{"--workers", "2", "--port", p.port(), "asgi:app"}}
		},
		"puma": func(t *testing.T, p place) app {
			return app{"script": tool(t, "puma"), "args": []string{"-w", "2", "--preload", "-b", "tcp://" + p.address, "config.ru"}}
		},
		"PHP": func(t *testing.T, p place) app {
			return app{
				"script": tool(t, "php"), "args": []string{"-S", p.address, "index.php"},
				"env": p.environ("PHP_CLI_SERVER_WORKERS", "2"),
			}
		},
		"Node's cluster behind a shell": func(t *testing.T, p place) app {
			tool(t, "node")
			writeFile(t, filepath.Join(p.dir, "cluster.js"), nodeCluster, 0o644)
			return app{"script": "node cluster.js"}
		},
	}
	for name, program := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			serving(t, launch{}, p, "intercept", program(t, p)).endWell(t)
		})
	}
}

// A program that forks workers with Node's cluster is one of gorun's already.
func TestNodesClusterNeedsNoPrimary(t *testing.T) {
	tool(t, "node")
	p := newPlace(t)
	writeFile(t, filepath.Join(p.dir, "cluster.js"), nodeCluster, 0o644)
	g := serving(t, launch{}, p, "node", app{"script": "cluster.js"})
	if children := childrenOf(g.pid); len(children) != 3 {
		t.Errorf("gorun's children are %v, want three", children)
	}
	g.endWell(t)
}

// Most programs listen on every address, by both families.
func TestOnePortOnEveryAddressIsShared(t *testing.T) {
	tool(t, "node")
	for sharing, script := range map[string]string{"node": "everywhere.js", "intercept": "node everywhere.js"} {
		t.Run(sharing, func(t *testing.T) {
			p := newPlace(t)
			writeFile(t, filepath.Join(p.dir, "everywhere.js"), nodeEverywhere, 0o644)
			g := serving(t, launch{}, p, sharing, app{"script": script})
			six := "[::1]:" + p.port()
			if _, err := askOnce(six); err != nil {
				t.Skipf("no IPv6 here: %v", err)
			}
			got := ask(t, six, 3000)
			got.everyone(t)
			got.even(t)
			g.endWell(t)
		})
	}
}

const nodeWithPrivateSocket = `
require('net').createServer().listen(process.pid + '.private');
setTimeout(() => require('./server.js'), 300);
`

// Tools such as tsx listen on a path of their own first: with port, gorun
// neither shares that nor takes it for the server.
func TestOnlyThePortThatIsNamedCounts(t *testing.T) {
	tool(t, "node")
	for sharing, script := range map[string]string{"node": "private.js", "intercept": "node private.js"} {
		t.Run(sharing, func(t *testing.T) {
			p := newPlace(t)
			writeFile(t, filepath.Join(p.dir, "private.js"), nodeWithPrivateSocket, 0o644)
			serving(t, launch{}, p, sharing, app{"script": script, "port": p.port()}).endWell(t)
		})
	}
}

// What a Node script binds beside the cluster's channel is intercepted.
func TestNodeBesideItsClustersChannelSharesOnePort(t *testing.T) {
	tool(t, "node")
	serve := `require('http').createServer((q, r) => r.end('worker ' + process.env.NODE_APP_INSTANCE)).listen(%s);`
	for name, script := range map[string]string{
		"exclusive":       fmt.Sprintf(serve, `{port: process.env.PORT, host: '127.0.0.1', exclusive: true}`),
		"child process":   `require('child_process').spawn(process.execPath, ['server.js'], {stdio: 'inherit'});`,
		"worker_threads":  `const {Worker} = require('worker_threads'); new Worker('./server.js');`,
		"its own channel": `require('./server.js');`,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			writeFile(t, filepath.Join(p.dir, "beside.js"), script, 0o644)
			serving(t, launch{}, p, "node", app{"script": "beside.js"}).endWell(t)
		})
	}
}
