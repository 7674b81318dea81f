//go:build scenarios

package scenarios_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestApplyTouchesOnlyWhatHasChanged(t *testing.T) {
	t.Parallel()
	g := town(t)
	api := g.site.app().with("env", g.site.environ("RELEASE", "2")).with("namespace", "front")
	tick := service("tick", "sleep").with("namespace", "back")
	g.site.write(t, api, tick, service("fresh", "sleep"))
	g.tells(t, []string{"plan"}, "+ fresh", "~ api", "= tick: unchanged")
	if got := g.changes(t, "apply"); got != "api/0 api/1 fresh/0" {
		t.Errorf("gorun apply gives %q another process", got)
	}
	g.tells(t, []string{"env", "api/0"}, "RELEASE=2")
	g.wantStates(t, "api/0 online, api/1 online, fresh/0 online, tick/0 online")
	if got := g.changes(t, "apply"); got != "" {
		t.Errorf("gorun apply of the same file gives %q another process", got)
	}
	g.site.write(t, api, tick)
	g.tells(t, []string{"plan"}, "- fresh")
	if got := g.changes(t, "apply"); got != "" {
		t.Errorf("gorun apply gives %q another process", got)
	}
	g.wantStates(t, "api/0 online, api/1 online, tick/0 online")
	// `reload FILE` replaces all of it.
	if got := g.changes(t, "reload", g.site.file); got != "api/0 api/1 tick/0" {
		t.Errorf("gorun reload FILE gives %q another process", got)
	}
}

func TestApplyChangesTheNumberOfWorkers(t *testing.T) {
	t.Parallel()
	g := town(t)
	api := g.site.app().with("env", g.site.environ("PASSWORD", secret)).with("namespace", "front")
	tick := service("tick", "sleep").with("namespace", "back")
	g.site.write(t, api.with("instances", 4), tick)
	g.ok(t, "apply")
	g.wantStates(t, "api/0 online, api/1 online, api/2 online, api/3 online, tick/0 online")
	g.site.write(t, api.with("instances", 1), tick)
	g.ok(t, "apply")
	g.wantStates(t, "api/0 online, tick/0 online")
	g.site.write(t, api.with("script", releaseBinary(t)).with("interpreter", "none"), tick)
	g.ok(t, "apply")
	g.wantStates(t, "api/0 online, api/1 online, tick/0 online")
	g.site.asker("").mustAsk(t)
}

func TestStartOfAFileAddsItsApps(t *testing.T) {
	t.Parallel()
	g := town(t)
	more := ecosystem(t, service("more", "sleep"))
	before := g.members(t)
	g.ok(t, "start", more)
	g.wantStates(t, "api/0 online, api/1 online, more/0 online, tick/0 online")
	if got := changed(before, g.members(t)); got != "more/0" {
		t.Errorf("gorun start FILE gives %q another process", got)
	}
}

// SIGHUP is `gorun reload FILE` of gorun's own file.
func TestAHangUpReloadsTheFile(t *testing.T) {
	t.Parallel()
	g := town(t)
	before := g.members(t)
	api := g.site.app().with("env", g.site.environ("RELEASE", "2")).with("namespace", "front")
	g.site.write(t, api, service("tick", "sleep").with("namespace", "back"))
	g.signal(t, unix.SIGHUP)
	g.err.next(t, "^gorun: reloaded")
	after := g.members(t)
	if got := changed(before, after); got != "api/0 api/1 tick/0" {
		t.Errorf("SIGHUP gives %q another process", got)
	}
	g.tells(t, []string{"env", "api/0"}, "RELEASE=2")
	writeFile(t, g.site.file, `{"apps": [{"name": "api", "instances": "abc", `, 0o644)
	g.signal(t, unix.SIGHUP)
	g.err.next(t, "^gorun: error: reload failed")
	if got := changed(after, g.members(t)); got != "" || !g.running() {
		t.Errorf("a broken file gives %q another process; gorun runs: %v", got, g.running())
	}
}
