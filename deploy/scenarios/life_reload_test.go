//go:build scenarios

package scenarios_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"gorun/deploy/scenarios/freeport"

	"golang.org/x/sys/unix"
)

// releases is a site whose app behaves as a file says.
type releases struct {
	operated
	file string
}

func operateRelease(t *testing.T, change func(app, site) app) releases {
	t.Helper()
	tool(t, "node")
	s := newSite(t)
	file := filepath.Join(s.dir, "release")
	writeFile(t, file, "good", 0o644)
	script, err := filepath.Abs("testdata/life/release.js")
	if err != nil {
		t.Fatal(err)
	}
	a := s.app().with("script", script).with("env", s.environ("RELEASE", file)).with("kill_timeout", "5s").with("listen_timeout", "6s")
	r := releases{operate(t, s, change(a, s)), file}
	eventually(t, "it serves", func() bool { return r.site.asker("").ask().err == nil }) // its other port may have come first
	return r
}

func (r releases) release(t *testing.T, how string) {
	t.Helper()
	writeFile(t, r.file, how, 0o644)
}

// L7: a release that works is never replaced by one that does not, whatever that does
// in place of listening where the other one listened.
func TestL7ABrokenReleaseReplacesNobody(t *testing.T) {
	long(t)
	metrics := func(a app, s site) app {
		return a.with("env", s.environ("RELEASE", filepath.Join(s.dir, "release"), "METRICS", strconv.Itoa(freeport.Take(t))))
	}
	plain := func(a app, _ site) app { return a }
	for _, test := range []struct {
		how  string
		conf func(app, site) app
	}{
		{"metrics only", metrics},
		{"never listens", metrics},
		{"unix first", plain},
		{"never listens", plain},
		{"closes its server", plain},
		{"throws", plain},
		{"sick", func(a app, _ site) app {
			return a.with("health", map[string]any{"http": "/healthz", "interval": "200ms", "start_period": "2s"})
		}},
		{"metrics only", func(a app, s site) app { return metrics(a, s).with("sharing", "intercept") }},
	} {
		t.Run(test.how, func(t *testing.T) {
			t.Parallel()
			g := operateRelease(t, test.conf)
			before := g.members(t)
			g.release(t, test.how)
			stop := loadOn(t, g.site.asker(""), 4)
			if o := g.order(t, "reload", "all"); o.code != 1 {
				t.Errorf("the reload exits with %d and says %q %q", o.code, o.out, o.err)
			}
			if bad := failed(stop()); len(bad) > 0 {
				t.Errorf("%d requests failed: %v", len(bad), kinds(bad))
			}
			if got := changed(before, g.members(t)); got != "" {
				t.Errorf("workers were replaced: %s", got)
			}
			g.release(t, "good")
			if got := g.changes(t, "reload", "all"); got != "api/0 api/1" {
				t.Errorf("a good release replaces %q", got)
			}
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}

// L8: the address changes, the port stays.
func TestL8AReloadRollsOutAnotherAddressOfThePort(t *testing.T) {
	long(t)
	for _, sharing := range []string{"node", "intercept"} {
		t.Run(sharing, func(t *testing.T) {
			t.Parallel()
			g := operateRelease(t, func(a app, _ site) app { return a.with("sharing", sharing) })
			for _, how := range []string{"elsewhere", "good"} {
				g.release(t, how)
				stop := loadOn(t, g.site.asker(""), 4)
				if got := g.changes(t, "reload", "all"); got != "api/0 api/1" {
					t.Errorf("%s replaces %q", how, got)
				}
				g.site.asker("").mustAsk(t)
				if bad := failed(stop()); len(bad) > 0 {
					t.Errorf("%s: %d requests failed: %v", how, len(bad), kinds(bad))
				}
			}
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}

// L9: a worker that closes its server and lives on gets no more connections. Where it
// was the only one, the port refuses.
func TestL9AWorkerThatListensNoMoreGetsNoConnections(t *testing.T) {
	long(t)
	g := operateRelease(t, func(a app, _ site) app { return a })
	members := g.members(t)
	if err := unix.Kill(members["api/0"].Pid, unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "gorun notices", func() bool { return g.err.count("has closed its servers") == 1 })
	for range 40 {
		if pid := g.site.asker("").mustAsk(t); pid != members["api/1"].Pid {
			t.Fatalf("asked %d, which listens no more", pid)
		}
	}
	if err := unix.Kill(members["api/1"].Pid, unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the port refuses", g.site.asker("").refused)
	if got := g.changes(t, "restart", "api"); got != "api/0 api/1" {
		t.Errorf("restart replaces %q", got)
	}
	g.site.asker("").mustAsk(t)
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}
