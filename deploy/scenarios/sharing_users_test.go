//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// everybody is an environment: no home directory, and no PATH into root's.
var everybody = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}

// ordinary starts gorun as an ordinary user without capabilities.
func ordinary(t *testing.T, m mode) launch {
	t.Helper()
	l := launch{mode: m, onlyEnv: everybody}
	if os.Getuid() == 0 {
		if m == pid1 {
			t.Skip("shown in containers, and when these tests run as an ordinary user")
		}
		l.attributes = func(attr *syscall.SysProcAttr) {
			attr.Credential = &syscall.Credential{Uid: 1000, Gid: 1000}
		}
	}
	return l
}

// The ways to start a program that gorun must see through.
var wrapped = map[string]struct {
	sharing string
	app     app
}{
	"node":            {"node", app{"script": "server.js"}},
	"static":          {"intercept", app{"script": workerBinary, "args": []string{"web"}}},
	"sh -c":           {"intercept", app{"script": "node server.js"}},
	"sh -c, no exec":  {"intercept", app{"script": "node server.js; true"}},
	"shell script":    {"intercept", app{"script": "start.sh"}},
	"npm start":       {"intercept", app{"script": "npm", "args": []string{"start"}}},
	"npx":             {"intercept", app{"script": "npx", "args": []string{"-c", "node server.js"}}},
	"node as program": {"intercept", app{"script": "node", "args": []string{"server.js"}}},
	"node in node":    {"intercept", app{"script": "wrapper.js", "sharing": "intercept"}},
}

// prepared has the files of the wrappers.
func prepared(t *testing.T) place {
	t.Helper()
	p := newPlace(t)
	writeFile(t, filepath.Join(p.dir, "start.sh"), "#!/bin/sh\ncd .\nnode server.js\nexit $?\n", 0o755)
	writeFile(t, filepath.Join(p.dir, "wrapper.js"), `require('child_process').spawn(process.execPath, ['server.js'], {stdio: 'inherit'});`, 0o644)
	return p
}

// wrappers runs f for each wrapper.
func wrappers(t *testing.T, f func(t *testing.T, p place, sharing string, a app)) {
	t.Helper()
	for name, test := range wrapped {
		t.Run(name, func(t *testing.T) {
			for _, program := range []string{"node", "npm", "npx"} {
				tool(t, program)
			}
			a := maps.Clone(test.app)
			if name == "static" {
				a["script"] = workerBinary // known only now
			}
			f(t, prepared(t), test.sharing, a)
		})
	}
}

// The issue: also behind npm, a shell, or a wrapper.
func TestProgramsBehindWrappersShareOnePort(t *testing.T) {
	long(t)
	inBothModes(t, func(t *testing.T, m mode) {
		t.Parallel()
		wrappers(t, func(t *testing.T, p place, sharing string, a app) {
			serving(t, launch{mode: m}, p, sharing, a).endWell(t)
		})
	})
}

// The issue: also as an ordinary user.
func TestAnOrdinaryUsersWorkersShareOnePort(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		l := ordinary(t, m)
		wrappers(t, func(t *testing.T, p place, sharing string, a app) {
			g := serving(t, l, p, sharing, a)
			if userOf(t, g.pid) == "0" {
				t.Error("gorun runs as root")
			}
			g.endWell(t)
		})
	})
}

// The issue: also under another uid.
func TestWorkersOfAnotherUserShareOnePort(t *testing.T) {
	requireRoot(t)
	requireMode(t, pid1)
	othersShare(t, launch{mode: pid1, onlyEnv: everybody})
}

// Without the capability root may not look into another user's processes: gorun
// becomes that user for it. Root of a Docker container is so.
func TestWorkersOfAnotherUserShareOnePortWithoutPtrace(t *testing.T) {
	requireRoot(t)
	without := "-sys_ptrace,-dac_override,-dac_read_search"
	othersShare(t, launch{around: []string{tool(t, "setpriv"), "--bounding-set", without, "--"}, onlyEnv: everybody})
}

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root becomes another user")
	}
}

// othersShare runs the workers as another user.
func othersShare(t *testing.T, l launch) {
	t.Helper()
	wrappers(t, func(t *testing.T, p place, sharing string, a app) {
		g := serving(t, l, p, sharing, a.with("user", 1000))
		workers := 0
		for _, p := range processesWith(g.marker) {
			if p.name != "gorun" && userOf(t, p.pid) == "1000" {
				workers++
			}
		}
		if workers < 3 {
			t.Errorf("of %v only %d run as uid 1000", processesWith(g.marker), workers)
		}
		if l.around != nil && strings.HasSuffix(statusField(t, g.pid, "CapEff"), "1ffffffffff") {
			t.Error("gorun has every capability")
		}
		g.endWell(t)
	})
}

// userOf returns a process's effective user ID.
func userOf(t *testing.T, pid int) string {
	t.Helper()
	return strings.Fields(statusField(t, pid, "Uid"))[1]
}

// serving starts three workers, each of which answers.
func serving(t *testing.T, l launch, p place, sharing string, a app) *gorun {
	t.Helper()
	l.args = []string{p.file(t, a), "--no-web"}
	g := start(t, l)
	g.awaitReady(t, sharing)
	ask(t, p.address, 150).everyone(t)
	return g
}

// endWell stops gorun, which must have nothing to complain about.
func (g *gorun) endWell(t *testing.T) {
	t.Helper()
	g.signal(t, unix.SIGTERM)
	wantCode(t, g, 0)
	if complaint := compile(`^gorun: (error|warning).*`).FindString(g.err.text()); complaint != "" {
		t.Errorf("gorun says: %s", complaint)
	}
}
