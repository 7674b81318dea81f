//go:build scenarios

package scenarios_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// A file stands for its apps, as their names would.
func TestAFileNamesItsApps(t *testing.T) {
	t.Parallel()
	g := town(t)
	tick := ecosystem(t, service("tick", "sleep"), service("unknown", "sleep"))
	g.tells(t, []string{"show", tick}, "tick")
	if got, want := g.ok(t, "pid", tick), g.ok(t, "pid", "tick"); got != want {
		t.Errorf("gorun pid FILE prints %q, want %q", got, want)
	}
	g.tells(t, []string{"sendSignal", "SIGCONT", g.site.file}, "3 process")
	g.ok(t, "stop", tick)
	g.wantStates(t, "api/0 online, api/1 online, tick/0 stopped")
	g.ok(t, "start", "api", tick)
	g.wantStates(t, "api/0 online, api/1 online, tick/0 online")
	g.ok(t, "reset", tick)
	g.ok(t, "flush", tick)
	g.tells(t, []string{"logs", tick, "--nostream"}, "")
	g.ok(t, "stop", g.site.file, "--only", "tick")
	g.wantStates(t, "api/0 online, api/1 online, tick/0 stopped")
	g.ok(t, "delete", tick)
	g.wantStates(t, "api/0 online, api/1 online")
	g.refused(t, []string{"stop", tick}, tick, "none of its apps", "tick, unknown")
	if o := g.order(t, "stop", "api", "--only", "x"); o.code != 2 {
		t.Errorf("gorun stop api --only x exits with %d: %s", o.code, o.err)
	}
	broken := ecosystem(t, service("tick", "sleep").with("instances", "abc"))
	g.refused(t, []string{"stop", broken}, "instances", "abc")
	g.wantStates(t, "api/0 online, api/1 online")
}

// pm2: `start` and `restart` of a file bring back what was stopped.
func TestStartAndRestartOfAFile(t *testing.T) {
	t.Parallel()
	g := town(t)
	g.ok(t, "stop", "tick", "1")
	if got := g.changes(t, "start", g.site.file); got != "api/1 tick/0" {
		t.Errorf("gorun start FILE gives %q another process", got)
	}
	g.wantStates(t, "api/0 online, api/1 online, tick/0 online")
	api := g.site.app().with("env", g.site.environ("RELEASE", "2")).with("namespace", "front")
	g.site.write(t, api, service("fresh", "sleep"))
	g.ok(t, "stop", "1")
	if got := g.changes(t, "restart", g.site.file); got != "api/0 api/1 fresh/0" {
		t.Errorf("gorun restart FILE gives %q another process", got)
	}
	g.tells(t, []string{"env", "api/1"}, "RELEASE=2")
	g.wantStates(t, "api/0 online, api/1 online, fresh/0 online, tick/0 online")
}

// The command was answered when the app was added.
func TestStartOfAFileIsAnsweredWhenItsAppsAreOnline(t *testing.T) {
	t.Parallel()
	g := town(t)
	slow := newSite(t)
	web := slow.app().with("name", "web").with("env", slow.environ("START", "700"))
	slow.write(t, web)
	g.tells(t, []string{"start", slow.file}, "added", "web/0", "web/1", "online after")
	slow.asker("").mustAsk(t)
	g.ok(t, "delete", "web")
	alone := web.with("exec_mode", "fork").with("instances", 1).with("port", mustPort(t, slow.address))
	slow.write(t, alone)
	g.ok(t, "start", slow.file)
	slow.asker("").mustAsk(t)
	g.ok(t, "delete", "web")
	slow.write(t, web.with("env", slow.environ("CRASH", "no database")).with("max_restarts", 2))
	for _, args := range [][]string{{"start", slow.file}, {"apply", slow.file, "--only", "web"}} {
		g.refused(t, args, "web/0", "it ended before it was ready", "exit 3", "no database")
		g.ok(t, "delete", "web")
	}
	wantAll(t, many(50, 8, func(int) reply { return g.site.asker("").ask() }))
}

// Old and new workers cannot share their sockets, so one goes before the other
// comes: what does not start is put back.
func TestAnAppThatDoesNotStartAnewIsPutBack(t *testing.T) {
	t.Parallel()
	g := town(t)
	api := g.site.app().with("namespace", "front").with("port", mustPort(t, g.site.address))
	tick := service("tick", "sleep").with("namespace", "back")
	g.site.write(t, api.with("env", g.site.environ("CRASH", "no database")), tick)
	g.refused(t, []string{"apply"}, "it ended before it was ready", "exit 3", "no database")
	g.wantStates(t, "api/0 online, api/1 online, tick/0 online")
	g.tells(t, []string{"env", "api/0"}, "PASSWORD="+secret)
	wantAll(t, many(50, 8, func(int) reply { return g.site.asker("").ask() }))
	g.site.write(t, api, tick)
	g.tells(t, []string{"apply"}, "stopped and started anew", "online after")
	wantAll(t, many(50, 8, func(int) reply { return g.site.asker("").ask() }))
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}

// What was said at gorun's own start is not about another file.
func TestOptionsAreForTheFileOfTheRun(t *testing.T) {
	t.Parallel()
	s := site{file: ecosystem(t, service("old", "sleep")), socket: filepath.Join(t.TempDir(), "sock")}
	g := operated{start(t, launch{args: []string{s.file, "--no-web", "--name", "api"}, env: []string{"GORUN_SOCKET=" + s.socket}}), s}
	g.err.next(t, "^gorun: ready ")
	g.ok(t, "start", ecosystem(t, service("more", "sleep")))
	g.ok(t, "restart", s.file)
	g.wantStates(t, "api/0 online, more/0 online")
	for _, args := range [][]string{{"start", s.file, "--name", "x"}, {"start", "-i", "3", "more"}, {"start", "more", "--", "--port", "1"}} {
		if o := g.order(t, args...); o.code != 2 || !strings.Contains(o.err, "running already") {
			t.Errorf("gorun %q exits with %d: %s", args, o.code, o.err)
		}
	}
	g.ok(t, "start", "more", "--no-daemon", "--update-env")
	g.ok(t, "restart", "more", "--update-env")
	g.ok(t, "reload", "all", "--update-env")
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}

// The channel comes after the sockets that are passed on.
func TestNodeHasItsChannelBesideSocketsThatArePassedOn(t *testing.T) {
	t.Parallel()
	tool(t, "node")
	s := newSite(t)
	g := operate(t, s, s.app().with("exec_mode", "fork").with("instances", 1).with("listen", []string{freeport.Address(t), freeport.Address(t)}))
	g.tells(t, []string{"trigger", "api", "greet", "Ann"}, `"return":"hello Ann"`)
	g.site.asker("").mustAsk(t)
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}
