//go:build scenarios

package scenarios_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A program of any language says that it is ready, and that it is alive.
func TestPythonSaysThatItIsReadyAndAlive(t *testing.T) {
	long(t)
	t.Parallel()
	s, gate := newClinic(t), fifo(t)
	s.write(t, app{
		"name": "queue", "script": "notify.py", "interpreter": tool(t, "python3"), "cwd": s.dir,
		"wait_ready": true, "watchdog": "1s", "kill_timeout": "10s", "env": s.environ("GATE", gate),
	})
	g := operated{start(t, launch{args: []string{s.file, "--web", "127.0.0.1:0"}, env: []string{"GORUN_SOCKET=" + s.socket}}), s}
	g.out.next(t, "^watchdog 1000000$")
	<-time.After(1200 * time.Millisecond) // the watchdog begins with the first word
	if got := g.states(t); got != "queue/0 launching" {
		t.Errorf("before READY=1 there is %q", got)
	}
	if status, _ := g.get(t, "/readyz"); status != 503 {
		t.Errorf("/readyz answers %d before READY=1", status)
	}
	letGo(t, gate)
	g.err.next(t, "^gorun: ready ")
	first := g.out.next(t, `^ready (\d+)$`)[1]
	if events := g.ok(t, "events", "--nostream"); !containsAll(events, []string{"warming up", "serving"}) {
		t.Errorf("gorun events does not have its status: %s", events)
	}
	<-time.After(1500 * time.Millisecond)
	if got := g.states(t); got != "queue/0 online" || g.out.count("^ready") != 1 {
		t.Errorf("while it says that it is alive there is %q, after %d starts", got, g.out.count("^ready"))
	}

	silent := filepath.Join(s.dir, "silent")
	writeFile(t, silent, "", 0o644)
	g.err.next(t, "watchdog expired.*worker=queue/0 watchdog=1s")
	if err := os.Remove(silent); err != nil {
		t.Fatal(err)
	}
	letGo(t, gate)
	if second := g.out.nth(t, `^ready (\d+)$`, 2)[1]; second == first {
		t.Errorf("process %s again", first)
	}
	g.awaitMetric(t, 1, "gorun_worker_restarts_total", `app="queue"`, `reason="watchdog"`)
	g.wantStates(t, "queue/0 online")

	leaving := filepath.Join(s.dir, "leaving")
	writeFile(t, leaving, "", 0o644)
	eventually(t, "it counts as ready no more", func() bool { status, _ := g.get(t, "/readyz"); return status == 503 })
	<-time.After(1500 * time.Millisecond) // it may be silent now
	if got := g.states(t); got != "queue/0 online" {
		t.Errorf("while it ends by itself there is %q", got)
	}
	if err := os.Remove(leaving); err != nil {
		t.Fatal(err)
	}
	letGo(t, gate)
	g.out.nth(t, `^ready (\d+)$`, 3)
	eventually(t, "the next one counts as ready", func() bool { status, _ := g.get(t, "/readyz"); return status == 200 })
	g.awaitMetric(t, 1, "gorun_worker_restarts_total", `app="queue"`, `reason="watchdog"`)

	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
	if g.out.count("^ended$") == 0 || g.err.count("killed") > 0 {
		t.Errorf("it was not given the time that it asked for:\n%s", g.report())
	}
}
