//go:build scenarios

package scenarios_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// L10: nobody hears of a program in fork mode that it listens; but where it did before,
// it will again. 300 ms pass between its start and its listening.
func TestL10AForkIsReadyWhereItListenedBefore(t *testing.T) {
	long(t)
	for name, change := range map[string]func(*testing.T, app) app{
		"node": func(_ *testing.T, a app) app { return a },
		"shell": func(t *testing.T, a app) app {
			t.Helper()
			return a.with("script", "/bin/sh").with("args", []string{"-c", tool(t, "node") + " '" + mustAbs(t, "testdata/life/release.js") + "'; exit 3"}).with("interpreter", "none")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := operateRelease(t, func(a app, _ site) app {
				return change(t, a.with("exec_mode", "fork").with("instances", 1).with("script", filepath.Join(mustAbs(t, "testdata/life"), "release.js")))
			})
			for _, order := range [][]string{{"restart", "api"}, {"reload", "api"}, {"stop", "api"}, {"start", "api"}} {
				o := g.order(t, order...)
				if o.code != 0 {
					t.Fatalf("%v: %s", order, o.err)
				}
				if order[0] == "reload" && !strings.Contains(o.out, "fork mode") {
					t.Errorf("the reload of a fork says %q, and nothing of its gap", o.out)
				}
				if order[0] != "stop" && order[0] != "start" { // what was stopped is forgotten with its ports
					g.site.asker("").mustAsk(t)
				}
			}
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
