//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runtime is a program in some language, as its users start it, that knows
// nothing of gorun. The table in docs/port-sharing.md is made from these.
type runtime struct {
	name    string
	command string // as the table shows it
	sharing string // what gorun must choose
	// app is the entry of the ecosystem file but for what all have, see file.
	app func(t *testing.T, p place) app
	// box is the same for the container's image; nil: not tried there.
	box func(p place) app
}

var runtimes = [...]runtime{
	{
		name: "Node.js `http`", command: "node server.js", sharing: "node",
		app: func(t *testing.T, _ place) app { return app{"script": "server.js", "interpreter": tool(t, "node")} },
		box: func(place) app { return app{"script": "server.js"} },
	},
	{
		name: "Express", command: "node express.js", sharing: "node",
		app: func(t *testing.T, p place) app {
			return app{"script": "express.js", "interpreter": tool(t, "node"), "env": p.environ("NODE_PATH", fromNPM(t, ""))}
		},
	},
	{
		name: "Fastify", command: "node fastify.js", sharing: "node",
		app: func(t *testing.T, p place) app {
			return app{"script": "fastify.js", "interpreter": tool(t, "node"), "env": p.environ("NODE_PATH", fromNPM(t, ""))}
		},
	},
	{
		name: "Node.js behind npm", command: "npm start", sharing: "intercept",
		app: func(t *testing.T, _ place) app { return app{"script": tool(t, "npm"), "args": []string{"start"}} },
		box: func(place) app { return app{"script": "npm", "args": []string{"start"}} },
	},
	{
		name: "Next.js, a production build", command: "npm start", sharing: "intercept",
		app: func(t *testing.T, p place) app {
			return app{
				"script": tool(t, "npm"), "args": []string{"start"},
				"cwd": fromNPM(t, "../next"), "env": p.environ("NEXT_TELEMETRY_DISABLED", "1"),
			}
		},
	},
	{
		name: "Python `http.server`", command: "python3 -m http.server", sharing: "intercept",
		app: func(t *testing.T, _ place) app {
			return app{"script": "exec " + tool(t, "python3") + " -m http.server --bind 127.0.0.1 --directory www/$NODE_APP_INSTANCE $PORT"}
		},
	},
	{
		name: "gunicorn", command: "gunicorn wsgi:app", sharing: "intercept",
		app: func(t *testing.T, p place) app {
			return app{"script": tool(t, "gunicorn"), "args": []string{"-b", p.address, "wsgi:app"}}
		},
	},
	{
		name: "uvicorn", command: "uvicorn asgi:app", sharing: "intercept",
		app: func(t *testing.T, p place) app {
			return app{"script": tool(t, "uvicorn"), "args": []string{"--port", p.port(), "--no-access-log", "asgi:app"}}
		},
	},
	{
		name: "aiohttp", command: "python3 aiohttp_app.py", sharing: "intercept",
		app: func(t *testing.T, _ place) app {
			python := tool(t, "python3")
			if exec.Command(python, "-c", "import aiohttp").Run() != nil {
				missing(t, "no aiohttp for "+python)
			}
			return app{"script": "aiohttp_app.py", "interpreter": python}
		},
	},
	{
		name: "Ruby puma", command: "puma config.ru", sharing: "intercept",
		app: func(t *testing.T, p place) app {
			return app{"script": tool(t, "puma"), "args": []string{"-b", "tcp://" + p.address, "config.ru"}}
		},
	},
	{
		name: "PHP", command: "php -S", sharing: "intercept",
		app: func(t *testing.T, p place) app {
			return app{"script": tool(t, "php"), "args": []string{"-S", p.address, "index.php"}}
		},
	},
	{
		name: "Java `HttpServer`", command: "java Server.java", sharing: "intercept",
		app: func(t *testing.T, _ place) app {
			tool(t, "javac") // a JRE runs no sources
			return app{"script": tool(t, "java"), "args": []string{"Server.java"}}
		},
	},
	{
		name: "Deno", command: "deno run server.ts", sharing: "intercept",
		app: func(t *testing.T, p place) app {
			return app{
				"script": fromNPM(t, "@deno/*/deno"), "args": []string{"run", "-A", "--no-config", "deno.ts"},
				"env": p.environ("DENO_DIR", filepath.Join(p.dir, "deno"), "DENO_NO_UPDATE_CHECK", "1"),
			}
		},
	},
	{
		name: "Bun", command: "bun server.ts", sharing: "intercept",
		app: func(t *testing.T, _ place) app {
			return app{"script": fromNPM(t, "bun/bin/bun.exe"), "args": []string{"bun.ts"}}
		},
	},
	{
		name: "nginx", command: "nginx -g 'daemon off;'", sharing: "intercept",
		app: func(t *testing.T, p place) app {
			conf := filepath.Join(p.dir, "nginx.conf")
			writeFile(t, conf, strings.ReplaceAll(readText(t, conf), "PORT", p.port()), 0o644)
			// Each removes its own file at its end.
			return app{"script": "exec " + tool(t, "nginx") + ` -e stderr -p . -c nginx.conf -g "pid $NODE_APP_INSTANCE.pid;"`}
		},
	},
	{
		name: "Go, a static binary", command: "./server", sharing: "intercept",
		app: func(*testing.T, place) app { return app{"script": workerBinary, "args": []string{"web"}} },
		box: func(place) app { return app{"script": "/worker", "args": []string{"web"}} },
	},
	{
		name: "Rust `std::net`", command: "./server", sharing: "intercept",
		app: func(t *testing.T, p place) app {
			c := exec.Command(tool(t, "rustc"), "-o", "server", "server.rs")
			c.Dir = p.dir
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("rustc: %v\n%s", err, out)
			}
			return app{"script": "./server"}
		},
	},
}

// The issue: three unmodified workers, one port, even shares, in each language.
func TestEveryRuntimeSharesOnePort(t *testing.T) {
	long(t)
	for _, r := range runtimes {
		t.Run(plain(r.name), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			sharesEvenly(t, launch{}, p, r.sharing, r.app(t, p))
		})
	}
}

// plain is a name without the marks of Markdown.
func plain(name string) string { return strings.ReplaceAll(name, "`", "") }

// sharesEvenly runs three workers of the app and wants each to answer a third
// of 3,000 connections, and gorun to end well afterwards.
func sharesEvenly(t *testing.T, l launch, p place, sharing string, a app) {
	t.Helper()
	l.args = []string{p.file(t, a), "--no-web"}
	began := time.Now()
	g := start(t, l)
	g.awaitReady(t, sharing)
	ready := time.Since(began)
	got := ask(t, p.address, 3000)
	asked := time.Since(began) - ready
	got.even(t)
	g.endWell(t)
	t.Logf("%v; ready after %v, 3,000 connections in %v, stopped in %v", got,
		ready.Round(time.Millisecond), asked.Round(time.Millisecond), (time.Since(began) - ready - asked).Round(time.Millisecond))
}
