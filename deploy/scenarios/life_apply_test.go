//go:build scenarios

package scenarios_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// L12: a SIGHUP during a reload is not lost: what the file says by then runs in the end.
func TestL12ASighupDuringAReloadIsDoneAfterIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	api := staticProgram.app(t, s).with("instances", 1)
	g := operate(t, s, api.with("env", s.environ("START", "500", "SAY", "one")))
	s.write(t, api.with("env", s.environ("START", "500", "SAY", "two")))
	first := make(chan outcome, 1)
	go func() { first <- commandLine{socket: s.socket, args: []string{"reload", s.file}}.run(t) }()
	eventually(t, "a replacement is on its way", func() bool { return len(childrenOf(g.pid)) > 1 })
	s.write(t, api.with("env", s.environ("START", "500", "SAY", "three")))
	for range 3 {
		g.signal(t, unix.SIGHUP)
	}
	if o := <-first; o.code != 0 {
		t.Errorf("the reload that was under way exits with %d: %s%s", o.code, o.out, o.err)
	}
	g.err.next(t, "^gorun: reloaded")
	eventually(t, "the file as it was at the signal runs", func() bool { return containsAll(g.ok(t, "env", "api/0"), []string{"SAY=three"}) })
	g.wantStates(t, "api/0 online")
}

// L11: a release is switched by a link, as git-sync does: a reload of the file and a
// SIGHUP read the new file and run the new code, in its directory and with its env file,
// also when the old release is gone.
func TestL11ASwitchedLinkBringsFileAndCode(t *testing.T) {
	t.Parallel()
	tool(t, "node")
	s := newSite(t)
	for _, n := range []string{"1", "2"} {
		dir := filepath.Join(s.dir, "rel", n)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "app.js"), `const seen = ['code `+n+`', require('path').basename(process.cwd()), process.env.V, process.env.FROM_FILE];
			require('http').createServer().listen(process.env.PORT, '127.0.0.1', () => console.log('up', seen.join()));`, 0o644)
		writeFile(t, filepath.Join(dir, "release.env"), "FROM_FILE="+n+"\n", 0o644)
		writeFile(t, filepath.Join(dir, "eco.config.js"), `module.exports = {apps: [{name: 'api', script: './app.js', instances: 2, exec_mode: 'cluster',
			env_file: 'release.env', watch: ['nothing'], env: {V: '`+n+`', PORT: '`+place{address: s.address}.port()+`'}}]};`, 0o644)
	}
	current := filepath.Join(s.dir, "current")
	turn := func(to string) {
		next := filepath.Join(s.dir, "next")
		if err := os.Symlink(filepath.Join("rel", to), next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, current); err != nil {
			t.Fatal(err)
		}
	}
	turn("1")
	g := operated{start(t, launch{
		args: []string{"eco.config.js", "--web", "127.0.0.1:0"}, dir: current, env: []string{"GORUN_SOCKET=" + s.socket, "PWD=" + current},
	}), s}
	g.err.next(t, "^gorun: ready ")
	up := func(n string, starts int) {
		g.out.nth(t, "^up code "+strings.Join([]string{n, n, n, n}, ",")+"$", starts)
	}
	up("1", 2)
	turn("2")
	g.ok(t, "reload", filepath.Join(current, "eco.config.js"))
	up("2", 2)
	turn("1")
	g.signal(t, unix.SIGHUP)
	g.err.next(t, "^gorun: reloaded")
	up("1", 4)
	turn("2")
	if err := os.RemoveAll(filepath.Join(s.dir, "rel", "1")); err != nil {
		t.Fatal(err)
	}
	g.signal(t, unix.SIGHUP)
	g.err.next(t, "^gorun: reloaded")
	up("2", 4)
}

// L14: `gorun restart shop.js` restarts the workers of the app that runs it, as they are.
func TestL14RestartByTheScriptKeepsTheApp(t *testing.T) {
	t.Parallel()
	tool(t, "node")
	s := newSite(t)
	g := operate(t, s, s.app().with("name", "shop").with("instances", 3).with("env", s.environ("MARK", "mine")))
	script := filepath.Join(s.dir, "server.js")
	if got := g.changes(t, "restart", script); got != "shop/0 shop/1 shop/2" {
		t.Errorf("gorun restart SCRIPT gives %q another process", got)
	}
	g.wantStates(t, "shop/0 online, shop/1 online, shop/2 online")
	g.tells(t, []string{"env", "shop/2"}, "MARK=mine", "exec_mode=cluster")
	if got := g.changes(t, "reload", script); got != "shop/0 shop/1 shop/2" {
		t.Errorf("gorun reload SCRIPT gives %q another process", got)
	}
	other := filepath.Join(s.dir, "other.js")
	writeFile(t, other, "setInterval(() => {}, 1000)", 0o644)
	g.refused(t, []string{"reload", other}, other)
	g.wantStates(t, "shop/0 online, shop/1 online, shop/2 online")
}
