//go:build scenarios

package scenarios_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A release that does not come up leaves everything as it was: the old workers
// answer, and the command tells why.
func TestABadReleaseChangesNothing(t *testing.T) {
	long(t)
	for _, p := range []program{nodeProgram, staticProgram} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			good := p.app(t, s)
			g := operate(t, s, good)
			crash := good.with("env", s.environ("CRASH", "boom: no database"))
			g.wantRefusedRelease(t, crash, "boom: no database", "it ended before it was ready", "exit 3")
			// It listens, but does not say that it is ready.
			silent := good.with("wait_ready", true).with("listen_timeout", "2s")
			g.wantRefusedRelease(t, silent, "it was not ready within its listen_timeout of 2s", "complaining")
			missing := good.with("script", "nowhere.js")
			g.wantRefusedRelease(t, missing, "nowhere.js")
			mistakes := good.with("instances", "abc").with("kill_timeout", "soon")
			g.wantRefusedRelease(t, mistakes, "instances", "abc", "kill_timeout", "soon")

			// What then is right comes up.
			s.write(t, good.with("env", s.environ("RELEASE", "2")))
			if got := g.changes(t, "reload", s.file); got != "api/0 api/1" {
				t.Errorf("the good release has replaced %q", got)
			}
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}

// wantRefusedRelease reloads the file with a release under load.
func (g operated) wantRefusedRelease(t *testing.T, bad app, words ...string) {
	t.Helper()
	before, processes := g.members(t), len(processesWith(g.marker))
	stop := loadOn(t, g.site.asker("5ms"), 8)
	g.site.write(t, bad)
	g.refused(t, []string{"reload", g.site.file}, words...)
	replies := stop()
	wantAll(t, replies)
	after := g.members(t)
	if got := changed(before, after); got != "" || len(after) != len(before) {
		t.Errorf("%q have another process; the workers are %v, and were %v", got, after, before)
	}
	if now := processesWith(g.marker); len(now) != processes {
		t.Errorf("there are %v, and before were %d", now, processes)
	}
	if len(replies) == 0 {
		t.Error("no request was made")
	}
}

// Who listens is not replaced by who does not, though a worker that never listens
// is taken as online otherwise.
func TestAReleaseThatDoesNotListenChangesNothing(t *testing.T) {
	long(t)
	for _, p := range []program{nodeProgram, staticProgram} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			good := p.app(t, s).with("listen_timeout", "2s")
			g := operate(t, s, good)
			g.wantRefusedRelease(t, good.with("env", s.environ("START", "3600000")), "listen_timeout of 2s")
		})
	}
}

// Nobody hears when it accepts on a socket that it was given: it has to last.
func TestAReleaseThatDiesSoonIsRefusedWhereSocketsArePassedOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	api := app{"name": "api", "listen": s.address, "instances": 3}
	g := operate(t, s, api.with("script", "exec "+workerBinary+" activated api"))
	before := g.members(t)
	s.write(t, api.with("script", "sleep 0.4; echo no database >&2; exit 3"))
	g.refused(t, []string{"reload", s.file}, "it ended before it was ready", "exit 3", "no database")
	if got := changed(before, g.members(t)); got != "" {
		t.Errorf("%q have another process", got)
	}
	ask(t, s.address, 100).everyone(t)
	s.write(t, api.with("script", "exec "+workerBinary+" activated api").with("env", s.environ("RELEASE", "2")))
	if got := g.changes(t, "reload", s.file); got != "api/0 api/1 api/2" {
		t.Errorf("the good release has replaced %q", got)
	}
}

const brokenYAML = `apps:
  - name: api
    script: server.js
    instances: abc
    kill_timeout: soon
    max_restarts: [1
`

// A mistake of the syntax is told with its place.
func TestAFileWithBrokenSyntaxChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := operate(t, s, nodeProgram.app(t, s))
	before := g.members(t)
	broken := s.dir + "/broken.yaml"
	writeFile(t, broken, brokenYAML, 0o644)
	for _, verb := range []string{"reload", "apply", "plan"} {
		g.refused(t, []string{verb, broken}, "broken.yaml:")
	}
	if got := changed(before, g.members(t)); got != "" {
		t.Errorf("%q have another process", got)
	}
}
