//go:build scenarios

package scenarios_test

import (
	"testing"
)

// While the only worker is replaced by one that starts after it, clients wait:
// there is nobody else to steer them to, and none is to be cut off either.
func TestTheOnlyWorkerIsRestartedWithoutALoss(t *testing.T) {
	for _, p := range []program{nodeProgram, staticProgram} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			g := operate(t, s, p.app(t, s).with("instances", 1).with("max_memory_restart", "400M"))
			stop := loadOn(t, s.asker("10ms"), 8)
			if got := g.changes(t, "restart", "api"); got != "api/0" {
				t.Errorf("gorun restart api gives %q another process", got)
			}
			if bad := failed(stop()); len(bad) > 0 {
				t.Errorf("gorun restart: %d requests failed: %v", len(bad), kinds(bad))
			}
			stop = loadOn(t, s.asker("10ms"), 8)
			before := g.members(t)
			s.asker("eat").mustAsk(t)
			eventually(t, "it is restarted", func() bool { return changed(before, g.members(t)) == "api/0" })
			if bad := failed(stop()); len(bad) > 0 {
				t.Errorf("max_memory_restart: %d requests failed: %v", len(bad), kinds(bad))
			}
		})
	}
}
