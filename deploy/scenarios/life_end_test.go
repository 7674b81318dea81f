//go:build scenarios

package scenarios_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// L15: while a worker still serves a client at the end of gorun, new clients are served,
// too. Then the port refuses: nobody is left to wait.
func TestL15TheFinalStopServesOrRefuses(t *testing.T) {
	long(t)
	for _, p := range []program{nodeProgram, staticProgram} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			g := operate(t, s, p.app(t, s).with("kill_timeout", "20s"))
			slow := s.asker("2500ms").mustSend(t)
			eventually(t, "it is under way", func() bool { return g.queued(t) == 0 })
			g.signal(t, unix.SIGTERM)
			g.err.next(t, "^gorun: stopping ")
			for range 10 {
				<-time.After(50 * time.Millisecond)
				s.asker("").mustAsk(t)
			}
			if _, err := s.asker("").receive(slow); err != nil {
				t.Errorf("the slow request: %v", err)
			}
			eventually(t, "the port refuses", s.asker("").refused)
			wantCode(t, g.gorun, 0)
		})
	}
}

// queued counts the connections that wait in accept queues.
func (g operated) queued(t *testing.T) int {
	t.Helper()
	n := 0
	for _, worker := range []string{"0", "1"} {
		length, _ := g.metric(t, "gorun_port_queue_length", `worker="`+worker+`"`)
		n += int(length)
	}
	return n
}
