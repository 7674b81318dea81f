//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gorun/deploy/scenarios/freeport"
)

func TestStickyClientsStayWithTheirWorker(t *testing.T) {
	long(t)
	inBothLanguages(t, func(t *testing.T, in language) {
		address := freeport.Address(t)
		web := in.cluster(t, 3, "tcp", address).with("balance", "sticky").with("restart_delay", "6s")
		g := startOnline(t, web)
		before := homes(t, address)
		t.Logf("clients of each worker: %v", shares(perWorker(before)))
		if len(perWorker(before)) != 3 {
			t.Errorf("the 50 clients went to %d workers, want 3", len(perWorker(before)))
		}
		victim := before[firstClient]
		kill(t, victim)
		g.awaitMetric(t, 2, "gorun_app_workers", `app="web"`, `state="online"`)
		during := homes(t, address)
		g.awaitOnline(t, web)
		after := homes(t, address)
		wantOnlyVictimsMoved(t, "clients, when a worker died", victim, before, during)
		wantOnlyVictimsMoved(t, "clients, when its replacement came", victim, before, after)
		t.Logf("clients of each worker while one is down: %v, with its replacement: %v", shares(perWorker(during)), shares(perWorker(after)))
		if len(perWorker(after)) != 3 {
			t.Errorf("the replacement gets no client: %v", perWorker(after))
		}
	})
}

// wantOnlyVictimsMoved compares which worker serves whom.
func wantOnlyVictimsMoved[K comparable](t *testing.T, what string, victim int, before, after map[K]int) {
	t.Helper()
	moved, others := 0, 0
	for client, home := range before {
		if home == victim {
			continue
		}
		others++
		if after[client] != home {
			moved++
		}
	}
	if moved > 0 {
		t.Errorf("%s: %d of the %d that another worker serves, which lived on, have moved", what, moved, others)
	}
}

const firstClient = "127.0.0.2"

// homes makes 20 connections from each of 50 clients, all of which must be
// answered by the same worker, and returns which.
func homes(t *testing.T, address string) map[string]int {
	t.Helper()
	const clients, connections = 50, 20
	replies := many(clients*connections, 16, func(i int) reply {
		return asker{network: "tcp", address: address, from: fmt.Sprintf("127.0.0.%d", 2+i%clients)}.ask()
	})
	wantAll(t, replies)
	found := map[string]int{}
	for i, r := range replies {
		client := fmt.Sprintf("127.0.0.%d", 2+i%clients)
		if other, known := found[client]; known && other != r.pid {
			t.Errorf("client %s was answered by %d and by %d", client, other, r.pid)
		}
		found[client] = r.pid
	}
	return found
}

func perWorker[K comparable](homes map[K]int) map[int]int {
	counts := map[int]int{}
	for _, pid := range homes {
		counts[pid]++
	}
	return counts
}

func TestSocketIOPollsWithStickyWorkers(t *testing.T) {
	nodeScript.require(t)
	fromNPM(t, "socket.io")
	fromNPM(t, "socket.io-client")
	for balance, works := range map[string]bool{"sticky": true, "spread": false} {
		t.Run(balance, func(t *testing.T) {
			port := strconv.Itoa(freeport.Take(t))
			startOnline(t, app{
				"name": "chat", "script": nodeFile(t, "socketio.js"), "args": []string{port}, "env": map[string]string{"NODE_PATH": npmFolder()},
				"instances": 4, "exec_mode": "cluster", "balance": balance,
			})
			const clients, questions = 12, 10
			c := exec.Command("node", nodeFile(t, "socketio-client.js"), port, strconv.Itoa(clients), strconv.Itoa(questions))
			c.Env = append(os.Environ(), "NODE_PATH="+npmFolder())
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			served, used := 0, map[string]bool{}
			for line := range strings.Lines(string(out)) {
				pids, answered := strings.CutPrefix(strings.TrimSpace(line), "pids ")
				if distinct := slices.Compact(strings.Fields(pids)); answered && len(distinct) == 1 {
					served++
					used[distinct[0]] = true
				}
			}
			t.Logf("%d of %d polling clients were served, by %d workers", served, clients, len(used))
			if (served == clients) != works {
				t.Errorf("%d of %d polling clients were served, with balance: %s:\n%s", served, clients, balance, out)
			}
			if works && len(used) < 2 {
				t.Errorf("all went to one worker: this shows nothing\n%s", out)
			}
		})
	}
}

func TestADatagramFlowStaysWithItsWorker(t *testing.T) {
	long(t)
	inBothLanguages(t, func(t *testing.T, in language) {
		address := freeport.Address(t)
		web := in.cluster(t, 3, "udp", address).with("restart_delay", "2s")
		g := startOnline(t, web)
		const flows = 150
		conns := make([]net.Conn, flows)
		for i := range conns {
			conn, err := net.Dial("udp", address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			conns[i] = conn
		}
		first := echoes(t, conns, 0)
		for n := 1; n < 20; n++ {
			if now := echoes(t, conns, n); !maps.Equal(now, first) {
				t.Fatalf("datagram %d: served by %v, the first by %v", n, now, first)
			}
		}
		got := shares(perWorker(first))
		t.Logf("flows of each worker: %v", got)
		if len(got) != 3 || got[0] < flows/3/2 {
			t.Errorf("%d flows are spread %v over the workers", flows, got)
		}
		victim := first[0]
		kill(t, victim)
		g.awaitMetric(t, 2, "gorun_app_workers", `app="web"`, `state="online"`)
		wantOnlyVictimsMoved(t, "flows, when a worker died", victim, first, echoes(t, conns, 20))
		g.awaitOnline(t, web)
		wantOnlyVictimsMoved(t, "flows, when its replacement came", victim, first, echoes(t, conns, 21))
	})
}

// echoes sends one datagram over each flow and returns who has sent it back.
func echoes(t *testing.T, conns []net.Conn, n int) map[int]int {
	t.Helper()
	from := map[int]int{}
	for i, conn := range conns {
		from[i] = echoed(t, conn, n)
	}
	return from
}

// echoed sends a datagram and returns who has sent it back.
func echoed(t *testing.T, conn net.Conn, n int) int {
	t.Helper()
	want := fmt.Sprintf("datagram %d", n)
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte(want)); err != nil {
		t.Fatalf("send a datagram: %v", err)
	}
	buf := make([]byte, 100)
	length, err := conn.Read(buf)
	if err != nil {
		t.Fatalf("datagram %d: %v", n, err)
	}
	var pid, got int
	if _, err := fmt.Sscanf(string(buf[:length]), "pid %d datagram %d", &pid, &got); err != nil || got != n {
		t.Fatalf("sent %q, got back %q", want, buf[:length])
	}
	return pid
}

func TestOneSocketForAllWorkersServes(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		a := asker{network: "tcp", address: freeport.Address(t), path: "3ms"}
		web := in.cluster(t, 3, "tcp", a.address).with("balance", "shared")
		g := startOnline(t, web)
		replies := many(3000, 24, func(int) reply { return a.ask() })
		wantAll(t, replies)
		t.Logf("answers of each worker: %v", shares(byWorker(replies)))
		if len(byWorker(replies)) != 3 {
			t.Errorf("%d workers answered, want 3", len(byWorker(replies)))
		}
		kill(t, replies[0].pid)
		wantAll(t, many(300, 16, func(int) reply { return a.ask() }))
		g.awaitOnline(t, web)
	})
}
