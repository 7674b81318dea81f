//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// Not parallel, like all tests here that put both processors under load.
func TestKillingWorkersFailsOnlyWhatTheyWereAnswering(t *testing.T) {
	long(t)
	inBothLanguages(t, func(t *testing.T, in language) {
		const connections, atATime = 10_000, 32
		address := freeport.Address(t)
		web := in.cluster(t, 4, "tcp", address)
		g := startOnline(t, web)
		begun := time.Now()
		k := &killer{gorun: g}
		replies := k.killEvery(t, 200*time.Millisecond, func() []reply {
			return many(connections, atATime, func(i int) reply {
				a := asker{network: "tcp", address: address}
				if i%2 == 0 { // half of them keep a worker busy
					a.path = fmt.Sprintf("%dms", 2+i%14)
				}
				return a.ask()
			})
		})
		bad := failed(replies)
		slowest := slices.MaxFunc(replies, func(a, b reply) int { return int(a.took - b.took) })
		t.Logf("%d connections in %v, %d workers killed while they had accepted %d, %d failed: %v; slowest %v; relayed %v, accepted so %d",
			connections, time.Since(begun).Round(time.Millisecond), len(k.killed), len(k.accepted), len(bad), kinds(bad),
			slowest.took.Round(time.Millisecond), g.sum(t, "gorun_port_relayed_connections_total"), k.relayed)
		refused, lost := k.judge(bad)
		if refused > 0 {
			t.Errorf("%d connections were refused", refused)
		}
		if lost > k.relayed {
			t.Errorf("%d connections failed that no killed worker had accepted from their client; by way of gorun they had accepted %d", lost, k.relayed)
		}
		if len(k.killed) < 3 {
			t.Errorf("%d workers killed: too few to show anything", len(k.killed))
		}
		g.awaitOnline(t, web)
	})
}

func TestWhatWaitsOnAStoppedWorkerIsAnsweredWhenThatIsKilled(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		address := freeport.Address(t)
		g := startOnline(t, in.cluster(t, 2, "tcp", address))
		// A probe address reaches the second member, whatever the balance.
		a := asker{network: "tcp", address: address, from: "127.103.0.1"}
		victim := a.mustAsk(t)
		queue := queueUp(t, g, a, victim, 60)
		killed := time.Now()
		kill(t, victim)
		replies := queue()
		wantAll(t, replies)
		t.Logf("60 answered %v after the kill, by %v", time.Since(killed).Round(time.Millisecond), byWorker(replies))
		if byWorker(replies)[victim] > 0 {
			t.Errorf("the killed worker has answered: %v", byWorker(replies))
		}
	})
}

// queueUp makes n requests that wait for a stopped worker. The result waits
// for the answers.
func queueUp(t *testing.T, g *gorun, a asker, worker, n int) (answers func() []reply) {
	t.Helper()
	freeze(t, worker)
	replies := make(chan []reply, 1)
	go func() { replies <- many(n, n, func(int) reply { return a.ask() }) }()
	eventually(t, fmt.Sprintf("%d connections wait", n), func() bool {
		return g.sum(t, "gorun_port_queue_length") >= float64(n)
	})
	return func() []reply { return <-replies }
}

func TestWhatWaitsForALateReplacementIsRelayed(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		address := freeport.Address(t)
		g := startOnline(t, in.cluster(t, 3, "tcp", address).with("restart_delay", "1h"))
		a := asker{network: "tcp", address: address, from: "127.103.0.1"}
		victim := a.mustAsk(t)
		queue := queueUp(t, g, a, victim, 60)
		killed := time.Now()
		kill(t, victim)
		replies := queue()
		wantAll(t, replies)
		t.Logf("60 answered %v after the kill, by %v", time.Since(killed).Round(time.Millisecond), byWorker(replies))
		g.awaitMetric(t, 60, "gorun_port_relayed_connections_total", address)
		wantAll(t, many(300, 16, func(int) reply { return asker{network: "tcp", address: address}.ask() }))
	})
}

// When all workers are gone, connections wait in the queues of all. The first
// one back takes over one queue; the rest must not wait for the other worker.
func TestWhatWaitsForAWorkerThatStaysAwayIsRelayedToTheFirstOneBack(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		a, gates := asker{network: "tcp", address: freeport.Address(t)}, filepath.Join(t.TempDir(), "gate{}")
		gate := func(instance string) string { return strings.ReplaceAll(gates, "{}", instance) }
		for _, instance := range []string{"0", "1"} {
			if err := unix.Mkfifo(gate(instance), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		web := in.cluster(t, 2, "tcp", a.address, "await="+gates)
		g := start(t, webLaunch(t, subreaper, web))
		letGo(t, gate("0"))
		letGo(t, gate("1"))
		g.awaitOnline(t, web)
		workers := childrenOf(g.pid)
		for _, worker := range workers {
			freeze(t, worker.pid)
		}
		waiting := make([]net.Conn, 40)
		for i := range waiting {
			waiting[i] = a.mustSend(t)
		}
		for _, worker := range workers {
			kill(t, worker.pid)
		}
		g.out.nth(t, "^waits", 4)
		<-time.After(2 * time.Second) // by then nobody looks after them any more
		letGo(t, gate("1"))
		replies := many(len(waiting), len(waiting), func(i int) reply {
			pid, err := a.receive(waiting[i])
			return reply{pid: pid, err: err}
		})
		wantAll(t, replies)
		t.Logf("answers of each worker: %v", shares(byWorker(replies)))
	})
}
