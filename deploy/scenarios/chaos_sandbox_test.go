//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"testing"

	"gorun/deploy/scenarios/freeport"
)

// sandboxes are surroundings in which bind cannot be intercepted, with what
// gorun is to say of them.
var sandboxes = map[string]string{
	"listener": "EBUSY|busy|another filter",
	"none":     "ENOSYS|not implemented|seccomp",
}

func inEachSandbox(t *testing.T, f func(t *testing.T, kind string)) {
	t.Helper()
	for kind := range sandboxes {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f(t, kind)
		})
	}
}

// inSandbox is a launch of gorun in such surroundings.
func inSandbox(t *testing.T, kind string, a app) launch {
	t.Helper()
	l := webLaunch(t, subreaper, a)
	l.around = []string{workerBinary, "sandbox", kind}
	return l
}

func TestASandboxWithoutInterceptionIsAStartUpError(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, kind string) {
		g := start(t, inSandbox(t, kind, staticGo.cluster(t, 3, "tcp", freeport.Address(t))))
		wantCode(t, g, 2)
		for _, pattern := range []string{"web", sandboxes[kind], "sharing: node", "listen:", "exec_mode: fork"} {
			if g.err.count(pattern) == 0 {
				t.Errorf("the message does not tell %q:\n%s", pattern, g.err.text())
			}
		}
		if g.out.has("listening") {
			t.Errorf("a worker was started:\n%s", g.out.text())
		}
	})
}

func TestNodeScriptsShareWhereNothingCanBeIntercepted(t *testing.T) {
	t.Parallel()
	nodeScript.require(t)
	inEachSandbox(t, func(t *testing.T, kind string) {
		a := asker{network: "tcp", address: freeport.Address(t)}
		web := nodeScript.cluster(t, 3, "tcp", a.address)
		g := start(t, inSandbox(t, kind, web))
		g.awaitOnline(t, web)
		replies := many(300, 16, func(int) reply { return a.ask() })
		wantAll(t, replies)
		if len(byWorker(replies)) != 3 {
			t.Errorf("%d workers answered, want 3", len(byWorker(replies)))
		}
	})
}

func TestAForkAppWithAPortRunsWhereNothingCanBeIntercepted(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, kind string) {
		port := freeport.Take(t)
		web := service("web", "share", "tcp", loopback(port)).with("exec_mode", "fork").with("port", port).with("instances", 1)
		g := start(t, inSandbox(t, kind, web))
		g.awaitOnline(t, web)
		asker{network: "tcp", address: loopback(port)}.mustAsk(t)
	})
}
