//go:build scenarios

package scenarios_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// lives are programs that record what they did: start, handler, exit.
var lives = []struct {
	name    string
	handler string // "": none
	conf    func(*testing.T, app) app
}{
	{"node", "", node("")},
	{"node", "exit", node("")},
	{"node", "close", node("")},
	{"node", "loop runs empty", node("")},
	{"node", "queue", node("")},
	{"express", "close", node("express")},
	{"fastify", "close", node("fastify")},
	{"npm start", "close", func(t *testing.T, a app) app {
		t.Helper()
		return a.with("script", tool(t, "npm")).with("args", []string{"start"}).with("cwd", mustAbs(t, "testdata/life"))
	}},
	{"gunicorn", "on_exit", func(t *testing.T, a app) app {
		t.Helper()
		address := "127.0.0.1:" + envOf(t, a)["PORT"]
		return a.with("script", tool(t, "gunicorn")).with("cwd", mustAbs(t, "testdata/life")).
			with("args", []string{"-b", address, "-c", "gunicorn.conf.py", "wsgi:app"})
	}},
	{"Go", "Shutdown", func(t *testing.T, a app) app {
		t.Helper()
		return a.with("script", releaseBinary(t)).with("interpreter", "none")
	}},
}

// envOf is the environment that the app's entry has.
func envOf(t *testing.T, a app) map[string]string {
	t.Helper()
	env, ok := a["env"].(map[string]string)
	if !ok {
		t.Fatalf("no environment: %v", a["env"])
	}
	return env
}

// node is handler.js, which serves by a framework.
func node(framework string) func(*testing.T, app) app {
	return func(t *testing.T, a app) app {
		t.Helper()
		tool(t, "node")
		env := envOf(t, a)
		env["FRAMEWORK"] = framework
		if framework != "" {
			env["NODE_PATH"] = fromNPM(t, "")
		}
		return a.with("script", mustAbs(t, "testdata/life/handler.js")).with("env", env)
	}
}

// L1, L2: what an app does at its stop signal is done in every worker that is stopped,
// once, and no request is lost by it.
func TestL1EveryHandlerRunsOnceAndNoRequestIsLost(t *testing.T) {
	long(t)
	for _, life := range lives {
		t.Run(life.name+" "+life.handler, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			record := filepath.Join(s.dir, "record")
			conf := s.app().with("kill_timeout", "20s").with("env", s.environ("HANDLER", life.handler, "RECORD", record))
			g := operate(t, s, life.conf(t, conf))
			stop := func() []reply { return nil }
			if life.handler != "queue" {
				stop = loadOn(t, s.asker(""), 8)
			}
			for range 3 {
				g.ok(t, "reload", "all")
			}
			g.ok(t, "scale", "api", "4")
			g.ok(t, "scale", "api", "1")
			g.ok(t, "restart", "api") // who asks in its gap waits for what follows
			if bad := failed(stop()); len(bad) > 0 {
				t.Errorf("%d requests failed: %v", len(bad), kinds(bad))
			}
			eventually(t, "the last one runs", func() bool { return strings.Count(readText(t, record), "start ") >= 11 })
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
			wantLives(t, record, life.handler != "", 11)
			if bad := strings.Count(g.err.text(), "did not stop in time"); bad > 0 {
				t.Errorf("%d workers were killed", bad)
			}
		})
	}
}

// wantLives checks that every worker that was started came to its own end.
func wantLives(t *testing.T, record string, handles bool, least int) {
	t.Helper()
	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	starts, handled, exits := strings.Count(string(text), "start "), strings.Count(string(text), "handler "), strings.Count(string(text), "exit ")
	if !handles { // they end of the signal
		handled, exits = starts, starts
	}
	if starts < least || handled != starts || exits != starts {
		t.Errorf("%d workers started, %d handled their stop signal, %d came to their own end:\n%s", starts, handled, exits, text)
	}
	if strings.Contains(string(text), "ERR_SERVER_NOT_RUNNING") {
		t.Error("the server was closed before the handler could")
	}
}

// L4: a signal that is news reaches the app behind npm and sh, which do not handle it
// and would end of it, by a command and by docker kill alike.
func TestL4ASignalThatIsNewsEndsNoRunner(t *testing.T) {
	tool(t, "npm")
	s := newSite(t)
	writeFile(t, filepath.Join(s.dir, "package.json"), `{"scripts": {"start": "node s.js"}}`, 0o644)
	writeFile(t, filepath.Join(s.dir, "s.js"), `
		process.on('SIGUSR2', () => console.log('app got USR2'));
		process.on('SIGWINCH', () => console.log('app got WINCH'));
		require('http').createServer((q, r) => r.end('ok\n')).listen(process.env.PORT, '127.0.0.1');`, 0o644)
	g := operate(t, s, s.app().with("script", "npm").with("args", "start"))
	before := g.members(t)
	g.tells(t, []string{"sendSignal", "SIGUSR2", "api"}, "2 process")
	g.out.nth(t, "^app got USR2$", 2)
	g.signal(t, unix.SIGWINCH)
	g.out.nth(t, "^app got WINCH$", 2)
	g.refused(t, []string{"sendSignal", "SIGURG", "api"}, "SIGURG", "api")
	if got := changed(before, g.members(t)); got != "" {
		t.Errorf("%s ended of a signal that is news", got)
	}
}

// L6: a Node app that handles SIGTERM alone is stopped by it, where the file or pm2's
// variable says so: its request is answered, and its handler comes to its end.
func TestL6AnAppThatHandlesSIGTERMAloneGetsIt(t *testing.T) {
	tool(t, "node")
	for _, by := range []string{"stop_signal", "PM2_KILL_SIGNAL"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			script := filepath.Join(s.dir, "term.js")
			writeFile(t, script, `
				const s = require('http').createServer((q, r) => { console.log('asked'); answer = () => r.end('pid ' + process.pid + '\n'); });
				let answer;
				s.listen(process.env.PORT, '127.0.0.1', () => console.log('up'));
				process.on('SIGTERM', () => { console.log('finishing'); s.close(() => { console.log('flushed'); process.exit(0); }); answer(); });`, 0o644)
			one := app{"name": "api", "script": script, "env": s.environ()}
			env := []string{"GORUN_SOCKET=" + s.socket}
			if by == "stop_signal" {
				one = one.with(by, "SIGTERM")
			} else {
				env = append(env, by+"=SIGTERM")
			}
			g := start(t, launch{args: []string{ecosystem(t, one), "--no-web"}, env: env})
			g.out.next(t, "^up$")
			answered := make(chan reply, 1)
			go func() { answered <- s.asker("").ask() }()
			g.out.next(t, "^asked$")
			g.signal(t, unix.SIGTERM)
			if r := <-answered; r.err != nil {
				t.Errorf("the request under way: %v", r.err)
			}
			g.out.next(t, "^flushed$")
			wantCode(t, g, 0)
		})
	}
}
