//go:build scenarios

package scenarios_test

import (
	"net"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func mustPort(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// With on_failure: unready the sick worker is left alone, in both senses.
func TestAWorkerThatIsUnreadyGetsNoConnectionUntilItRecovers(t *testing.T) {
	for way, p := range map[string]program{"500": nodeProgram, "stop": staticPatient} {
		t.Run(p.name+" "+way, func(t *testing.T) {
			t.Parallel()
			s := newClinic(t)
			conf := p.app(t, s).checked("http", "/healthz").because("on_failure", "unready").with("ready_min", 4)
			g := operate(t, s, conf)
			before := g.members(t)
			sick, pid := g.sicken(t, before, way)
			g.err.next(t, unhealthy)
			g.awaitLeft(t, sick, before[sick].Pid)

			replies := many(400, 8, func(int) reply { return s.asker("1ms").ask() })
			wantAll(t, replies)
			if n := byWorker(replies)[pid]; n > 0 || len(byWorker(replies)) != 3 {
				t.Errorf("%d requests came to the sick one, and %d workers answered", n, len(byWorker(replies)))
			}
			g.wantUnready(t, sick, way)

			writeFile(t, s.dir+"/well", "", 0o644)
			if err := unix.Kill(pid, unix.SIGCONT); err != nil {
				t.Fatal(err)
			}
			g.err.next(t, "worker has recovered.*worker="+sick)
			g.awaitServing(t, 4)
			replies = many(400, 8, func(int) reply { return s.asker("1ms").ask() })
			wantAll(t, replies)
			if n := byWorker(replies)[pid]; n < 20 {
				t.Errorf("%d of 400 requests came to the one that has recovered", n)
			}
			if got := changed(before, g.members(t)); got != "" {
				t.Errorf("%q have another process", got)
			}
			if up := g.healthMetric(t, "gorun_probe_up", sick, `probe="http"`); up != 1 {
				t.Errorf("gorun_probe_up is %v after it has recovered", up)
			}
		})
	}
}

// wantUnready looks at what gorun tells of the sick worker.
func (g operated) wantUnready(t *testing.T, sick, way string) {
	t.Helper()
	reason := map[string]string{"500": "500 Internal Server Error", "stop": "timeout after 800ms"}[way]
	words := []string{"[-]app api failed: 3 of 4 workers online, needs 4", "worker " + sick[len("api/"):] + " is unhealthy: " + reason}
	if status, body := g.get(t, "/readyz?verbose"); status != 503 || !containsAll(body, words) {
		t.Errorf("/readyz?verbose says %d %q, want 503 and %q", status, body, words)
	}
	if status, body := g.get(t, "/livez"); status != 200 {
		t.Errorf("/livez says %d %q", status, body)
	}
	// Each is a scrape, and checks go on: the part before the whole.
	failures := g.healthMetric(t, "gorun_probe_failures_total", sick, `probe="http"`)
	checks := g.healthMetric(t, "gorun_probe_checks_total", sick, `probe="http"`)
	if failures < 2 || checks <= failures {
		t.Errorf("%v of %v checks failed", failures, checks)
	}
	for name, want := range map[string]float64{
		"gorun_probe_up": 0, "gorun_worker_ready": 0, "gorun_worker_up": 1,
	} {
		if got := g.healthMetric(t, name, sick); got != want {
			t.Errorf("%s of the sick worker is %v, want %v", name, got, want)
		}
	}
	well := 0.0
	for _, instance := range []string{"0", "1", "2", "3"} {
		well += g.healthMetric(t, "gorun_probe_up", "api/"+instance)
	}
	if n, _ := g.metric(t, "gorun_probe_duration_seconds_count", `app="api"`, `probe="http"`); n < 4+failures || well != 3 {
		t.Errorf("%v durations, %v are well", n, well)
	}
}

// A release that never becomes healthy is none.
func TestAReleaseThatIsUnhealthyChangesNothing(t *testing.T) {
	long(t)
	for sick, p := range map[string]program{"500": nodeProgram, "hang": staticPatient} {
		t.Run(p.name+" "+sick, func(t *testing.T) {
			t.Parallel()
			s := newClinic(t)
			good := p.app(t, s).checked("http", "/healthz").because("start_period", "1s").
				with("listen_timeout", "2500ms").with("instances", 2)
			g := operate(t, s, good)
			word := map[string]string{"500": "500 Internal Server Error", "hang": "timeout after 800ms"}[sick]
			g.wantRefusedRelease(t, good.with("env", s.environ("SICK", sick)), word, "listen_timeout of 2.5s")
			s.write(t, good.with("env", s.environ("RELEASE", "2")))
			if got := g.changes(t, "reload", s.file); got != "api/0 api/1" {
				t.Errorf("the good release has replaced %q", got)
			}
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}
