package scenarios_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets/freeport"
)

// What is lost at SIGTERM is reported, not judged: see the issue of reloads.
func TestAStopUnderLoadEndsInOrder(t *testing.T) {
	apps := map[string]func(address string) app{
		"node without a handler": func(address string) app { return nodeScript.cluster(t, 3, "tcp", address) },
		"static, graceful":       func(address string) app { return staticGo.cluster(t, 3, "tcp", address, "graceful") },
	}
	for name, of := range apps {
		t.Run(name, func(t *testing.T) {
			nodeScript.require(t)
			a := asker{network: "tcp", address: freeport.Address(t), path: "20ms"}
			g := startOnline(t, of(a.address).with("kill_timeout", "5s"))
			stop := loadOn(t, a, 16)
			<-time.After(500 * time.Millisecond)
			sent := time.Now()
			g.signal(t, unix.SIGTERM)
			wantCode(t, g, 0)
			took := g.endedAt.Sub(sent)
			replies := stop()
			t.Logf("stopped in %v; of %d requests failed: %v", took.Round(time.Millisecond), len(replies), kinds(failed(replies)))
			if took > 5*time.Second {
				t.Errorf("the stop took %v, with a kill_timeout of 5 s", took)
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
