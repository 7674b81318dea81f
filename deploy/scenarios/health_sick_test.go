//go:build scenarios

package scenarios_test

import (
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The issue: a single sick worker is found and replaced while the others serve,
// and nobody who comes after it was found has anything of it.
func TestTheSickWorkerAloneIsReplaced(t *testing.T) {
	long(t)
	for _, p := range patients(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newClinic(t)
			g := operate(t, s, p.app(t, s).checked("http", "/healthz"))
			for i, way := range []string{"500", "hang", "stop"} {
				g.wantReplaced(t, way, i+1)
			}
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}

// wantReplaced makes a worker sick under load. It is the nth of this gorun's.
func (g operated) wantReplaced(t *testing.T, way string, nth int) {
	t.Helper()
	g.awaitServing(t, 4)
	before := g.members(t)
	during := loadOn(t, g.site.asker("5ms"), 4)
	sick, _ := g.sicken(t, before, way)
	begun := time.Now()
	if found := "api/" + g.err.nth(t, unhealthy, nth)[1]; found != sick {
		t.Errorf("%s: %s is found unhealthy, want %s", way, found, sick)
	}
	g.awaitLeft(t, sick, before[sick].Pid)
	found := time.Since(begun)
	after := loadOn(t, g.site.asker("5ms"), 8)
	g.awaitReplaced(t, sick, before[sick].Pid)
	took := time.Since(begun)
	replies := after()
	wantAll(t, replies)
	seen := during()
	if got := changed(before, g.members(t)); got != sick {
		t.Errorf("%s: %q have another process, want %s alone", way, got, sick)
	}
	if left := g.healthMetric(t, "gorun_worker_restarts_total", sick, `reason="health"`); left < 1 {
		t.Errorf("%s: %v restarts of %s by health", way, left, sick)
	}
	if n := g.err.count(unhealthy); n != nth {
		t.Errorf("%s: %d workers were found unhealthy, want %d", way, n, nth)
	}
	t.Logf("%s: found after %v, replaced after %v; %d requests from then on, by %d processes; from the begin on %d, of which failed %v", way,
		found.Round(time.Millisecond), took.Round(time.Millisecond), len(replies), len(byWorker(replies)), len(seen), kinds(failed(seen)))
	if len(replies) < 50 {
		t.Errorf("%s: %d requests: this shows nothing", way, len(replies))
	}
}

// awaitReplaced waits until the worker is online with another process.
func (g operated) awaitReplaced(t *testing.T, worker string, pid int) {
	t.Helper()
	eventually(t, worker+" is replaced", func() bool {
		m := g.members(t)[worker]
		return m.Pid != pid && m.State == "online"
	})
	if exists(pid) {
		t.Errorf("its old process %d is there still", pid)
	}
	eventually(t, worker+" is ready", func() bool { return g.healthMetric(t, "gorun_worker_ready", worker) == 1 })
}

// No probe address leads to a worker behind a path: gorun hands a Node worker
// the connection itself.
func TestTheSickNodeWorkerBehindAPathAloneIsReplaced(t *testing.T) {
	long(t)
	t.Parallel()
	s := newClinic(t)
	path := filepath.Join(s.dir, "api.sock")
	g := operate(t, s, nodeProgram.app(t, s).checked("http", "/healthz").with("env", map[string]string{"PORT": path}))
	for nth, way := range []string{"500", "stop"} {
		g.awaitServing(t, 4)
		before := g.members(t)
		pid := asker{network: "unix", address: path, path: map[string]string{"500": "sick/500", "stop": ""}[way]}.mustHear(t)
		if way == "stop" {
			freeze(t, pid)
		}
		sick := workerOf(t, before, pid)
		if found := "api/" + g.err.nth(t, unhealthy, nth+1)[1]; found != sick {
			t.Errorf("%s: %s is found unhealthy, want %s", way, found, sick)
		}
		eventually(t, sick+" is replaced", func() bool {
			m := g.members(t)[sick]
			return m.Pid != pid && m.State == "online"
		})
		if got := changed(before, g.members(t)); got != sick {
			t.Errorf("%s: %q have another process, want %s alone", way, got, sick)
		}
	}
}

// A check by a command runs as the worker does, so it knows which one it is for.
func TestACommandFindsTheSickWorker(t *testing.T) {
	t.Parallel()
	s := newClinic(t)
	g := operate(t, s, staticPatient.app(t, s).checked("exec", []string{"./check.sh"}))
	before := g.members(t)
	writeFile(t, s.dir+"/sick", "2", 0o644)
	if line := g.err.next(t, unhealthy+".*"); line[1] != "2" || !containsAll(line[0], []string{"exit 3"}) {
		t.Errorf("gorun says %q, want 2 and exit 3", line)
	}
	writeFile(t, s.dir+"/sick", "nobody", 0o644)
	after := loadOn(t, s.asker("5ms"), 4)
	g.awaitReplaced(t, "api/2", before["api/2"].Pid)
	wantAll(t, after())
	if got := changed(before, g.members(t)); got != "api/2" {
		t.Errorf("%q have another process, want api/2", got)
	}
	if up, _ := g.metric(t, "gorun_probe_up", `probe="exec"`, `worker="2"`); up != 1 {
		t.Errorf("gorun_probe_up is %v for the new one", up)
	}
}

// A server that does not listen any more refuses, where nobody keeps its port.
func TestAConnectionFindsTheServerThatDoesNotListen(t *testing.T) {
	t.Parallel()
	s := newClinic(t)
	alone := staticPatient.app(t, s).checked("tcp", mustPort(t, s.address)).with("instances", 1).with("exec_mode", "fork")
	g := operate(t, s, alone)
	before := g.members(t)["api/0"]
	s.asker("sick/deaf").mustAsk(t)
	if line := g.err.next(t, unhealthy+".*"); !containsAll(line[0], []string{"connection refused"}) {
		t.Errorf("gorun says %q", line)
	}
	g.awaitReplaced(t, "api/0", before.Pid)
	s.asker("").mustAsk(t)
	if n := g.healthMetric(t, "gorun_probe_failures_total", "api/0", `probe="tcp"`); n < 2 {
		t.Errorf("%v checks have failed", n)
	}
}
