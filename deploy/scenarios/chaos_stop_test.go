//go:build scenarios

package scenarios_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// unheard is how many of the clients may be reset: those who come last wait in a
// queue that no worker takes from. Its length is 0, which on Linux lets one in, and
// who shakes hands at the same time. A stop that cuts answers resets all sixteen.
const unheard = 4

func TestAStopUnderLoadEndsInOrder(t *testing.T) {
	apps := map[string]func(address string) app{
		"node without a handler": func(address string) app { return nodeScript.cluster(t, 3, "tcp", address) },
		"static, graceful":       func(address string) app { return staticGo.cluster(t, 3, "tcp", address, "graceful") },
	}
	for name, of := range apps {
		t.Run(name, func(t *testing.T) {
			nodeScript.require(t)
			a := asker{network: "tcp", address: freeport.Address(t), path: "20ms"}
			g := startOnline(t, of(a.address).with("kill_timeout", "1h"))
			stop := loadOn(t, a, 16)
			<-time.After(500 * time.Millisecond)
			sent := time.Now()
			g.signal(t, unix.SIGTERM)
			wantCode(t, g, 0)
			took := g.endedAt.Sub(sent)
			replies := stop()
			lost := kinds(failed(replies))
			t.Logf("stopped in %v; of %d requests failed: %v", took.Round(time.Millisecond), len(replies), lost)
			cut := 0
			for kind, n := range lost {
				if kind != "connect: ECONNREFUSED" {
					cut += n
				}
			}
			if cut > unheard {
				t.Errorf("requests that were accepted have failed: %v", lost)
			}
			if g.err.has("killed") {
				t.Errorf("it took SIGKILL:\n%s", g.err.text())
			}
			if len(byWorker(replies)) != 3 {
				t.Errorf("%d workers have answered: this shows nothing", len(byWorker(replies)))
			}
		})
	}
}
