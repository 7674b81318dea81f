//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"slices"
	"testing"
	"time"

	"gorun/deploy/scenarios/freeport"
)

func TestAWorkerThatNeverListensCountsAsOnlineAfterListenTimeout(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		t.Parallel()
		web := in.cluster(t, 2, "none", ":0")
		if in == staticGo {
			web = web.with("args", []string{"sleep"})
		}
		g := startOnline(t, web.with("listen_timeout", "1200ms"))
		if took := time.Since(g.startAt); took < 1200*time.Millisecond {
			t.Errorf("online %v after the start, with a listen_timeout of 1.2 s", took)
		}
		if starts := g.sum(t, "gorun_worker_starts_total"); starts != 2 {
			t.Errorf("%v starts, want 2", starts)
		}
	})
}

func TestAWorkerIsOnlineOnceItListens(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		t.Parallel()
		address, gate := freeport.Address(t), fifo(t)
		web := in.cluster(t, 1, "tcp", address, "await="+gate)
		g := start(t, webLaunch(t, subreaper, web))
		g.out.next(t, "^waits")
		<-time.After(200 * time.Millisecond) // what a program gets that tells nothing
		if n, _ := g.metric(t, "gorun_app_workers", `state="launching"`); n != 1 {
			t.Errorf("%v workers are launching before they listen, want 1", n)
		}
		if status, _ := g.get(t, "/readyz"); status != 503 {
			t.Errorf("/readyz answers %d before the worker listens", status)
		}
		letGo(t, gate)
		g.awaitOnline(t, web)
	})
}

func TestWaitReadyWaitsForTheMessage(t *testing.T) {
	t.Parallel()
	nodeScript.require(t)
	a, gate := asker{network: "tcp", address: freeport.Address(t)}, fifo(t)
	web := nodeScript.cluster(t, 1, "tcp", a.address, "ready="+gate).with("wait_ready", true)
	g := start(t, webLaunch(t, subreaper, web))
	g.out.next(t, "^listening")
	a.mustAsk(t) // it has told gorun that it listens
	if n, _ := g.metric(t, "gorun_app_workers", `state="launching"`); n != 1 {
		t.Errorf("%v workers are launching before they are ready, want 1", n)
	}
	letGo(t, gate)
	g.awaitOnline(t, web)
}

func TestAWorkerThatNeverSaysThatItIsReadyMisbehaves(t *testing.T) {
	t.Parallel()
	nodeScript.require(t)
	web := nodeScript.cluster(t, 1, "tcp", freeport.Address(t), "ready=never").
		with("wait_ready", true).with("listen_timeout", "500ms").with("max_restarts", 2)
	l := webLaunch(t, subreaper, web)
	l.args = append(l.args, "--no-auto-exit", "--log-level", "debug")
	g := start(t, l)
	g.awaitMetric(t, 1, "gorun_app_workers", `app="web"`, `state="errored"`)
	g.awaitMetric(t, 3, "gorun_worker_starts_total", `app="web"`) // the first and 2 more
	if n := g.err.count("worker not ready in time"); n != 3 {
		t.Errorf("told %d times, want 3", n)
	}
	if states := statesOf(g, "web/0"); slices.Contains(states, "online") {
		t.Errorf("it was online: %q", states)
	}
}
