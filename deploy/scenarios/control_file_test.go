package scenarios_test

import (
	"testing"
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
	g.tells(t, []string{"sendSignal", "SIGCONT", g.site.file}, "3 worker")
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
	slow.write(t, web.with("env", slow.environ("CRASH", "no database")).with("max_restarts", 2))
	for _, args := range [][]string{{"start", slow.file}, {"apply", slow.file, "--only", "web"}} {
		g.refused(t, args, "web/0", "it ended before it was ready", "exit 3", "no database")
		g.ok(t, "delete", "web")
	}
	wantAll(t, many(50, 8, func(int) reply { return g.site.asker("").ask() }))
}
