//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

func TestAPortRefusesUntilItsFirstWorkerListens(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		a, gate := asker{network: "tcp", address: freeport.Address(t)}, fifo(t)
		web := in.cluster(t, 2, "tcp", a.address, "await="+gate)
		g := start(t, webLaunch(t, subreaper, web))
		g.out.nth(t, "^waits", 2)
		if r := a.ask(); !errors.Is(r.err, unix.ECONNREFUSED) {
			t.Errorf("before any worker listens: pid %d, %v, want it refused", r.pid, r.err)
		}
		letGo(t, gate)
		eventually(t, "the port answers", func() bool {
			r := a.ask()
			if r.err != nil && !errors.Is(r.err, unix.ECONNREFUSED) {
				t.Errorf("while the first worker begins to listen: %v", r.err)
			}
			return r.err == nil
		})
		letGoUntil(t, gate, func() bool { return g.out.count("^listening") == 2 })
		g.awaitOnline(t, web)
		wantAll(t, many(100, 8, func(int) reply { return a.ask() }))
	})
}

// letGoUntil opens the gate for whoever comes to it.
func letGoUntil(t *testing.T, gate string, done func() bool) {
	t.Helper()
	eventually(t, "all go on that wait at "+gate, func() bool {
		if end, err := os.OpenFile(gate, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
			_ = end.Close()
		}
		return done()
	})
}

func TestAPortRefusesOnceItsAppHasEnded(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		a := asker{network: "tcp", address: freeport.Address(t)}
		web := in.cluster(t, 2, "tcp", a.address).with("autorestart", false)
		l := webLaunch(t, subreaper, web)
		l.args = append(l.args, "--no-auto-exit")
		g := start(t, l)
		g.awaitOnline(t, web)
		wantAll(t, many(100, 8, func(int) reply { return a.ask() }))
		workers := childrenOf(g.pid)
		kill(t, workers[0].pid)
		eventually(t, "it is gone", func() bool { return !exists(workers[0].pid) })
		wantAll(t, many(100, 8, func(int) reply { return a.ask() })) // the other one serves on
		kill(t, workers[1].pid)
		eventually(t, "the port refuses", a.refused)
		if !g.running() {
			t.Errorf("gorun has ended with %d", g.code)
		}
	})
}

func TestAPortRefusesOnceItsAppIsStopped(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		a := asker{network: "tcp", address: freeport.Address(t)}
		web := in.cluster(t, 2, "tcp", a.address)
		slow := service("slow", "on-term", "0", "3s")
		g := start(t, webLaunch(t, subreaper, web, slow))
		g.awaitOnline(t, web)
		g.out.next(t, "^ready")
		g.signal(t, unix.SIGTERM)
		eventually(t, "the port refuses", a.refused)
		if !g.running() {
			t.Error("gorun has ended already: this shows nothing")
		}
		wantCode(t, g, 0)
	})
}

func TestConnectionsWaitWhileNoWorkerRuns(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		a := asker{network: "tcp", address: freeport.Address(t)}
		web := in.cluster(t, 2, "tcp", a.address).with("restart_delay", "3s")
		g := startOnline(t, web)
		workers := childrenOf(g.pid)
		for _, worker := range workers {
			kill(t, worker.pid)
		}
		for _, worker := range workers {
			eventually(t, "it is gone", func() bool { return !exists(worker.pid) })
		}
		replies := many(40, 40, func(int) reply { return a.ask() })
		wantAll(t, replies)
		fastest := slices.MinFunc(replies, func(a, b reply) int { return int(a.took - b.took) })
		t.Logf("answered after %v by %v", fastest.took.Round(time.Millisecond), byWorker(replies))
		if fastest.took < 200*time.Millisecond {
			t.Errorf("the first was answered after %v: this shows nothing", fastest.took)
		}
	})
}

func TestWorkersShareAPath(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		path := filepath.Join(t.TempDir(), "web.sock")
		leaveStale(t, path)
		a := asker{network: "unix", address: path, path: "3ms"}
		web := in.cluster(t, 3, "unix", path)
		g := startOnline(t, web)
		replies := many(2000, 24, func(int) reply { return a.ask() })
		wantAll(t, replies)
		t.Logf("answers of each worker: %v", shares(byWorker(replies)))
		if len(byWorker(replies)) != 3 {
			t.Errorf("%d workers answered, want 3", len(byWorker(replies)))
		}
		kill(t, replies[0].pid)
		wantAll(t, many(300, 16, func(int) reply { return a.ask() }))
		g.awaitOnline(t, web)
		wantAll(t, many(300, 16, func(int) reply { return a.ask() }))
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
			t.Errorf("after the stop there are %v (%v), want nothing", entries, err)
		}
	})
}

// leaveStale leaves a socket file that nobody listens on, as a server does
// that was killed.
func leaveStale(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
		t.Fatalf("no stale socket file: %v, %v", info, err)
	}
}

func TestWorkersShareIPv6AndBothVersions(t *testing.T) {
	inBothLanguages(t, func(t *testing.T, in language) {
		for name, hosts := range map[string][]string{"[::1]": {"[::1]"}, "": {"127.0.0.1", "[::1]"}, "[::]": {"127.0.0.1", "[::1]"}} {
			t.Run("at "+name, func(t *testing.T) {
				port := freeport.Take(t)
				startOnline(t, in.cluster(t, 3, "tcp", fmt.Sprintf("%s:%d", name, port)))
				for _, host := range hosts {
					a := asker{network: "tcp", address: fmt.Sprintf("%s:%d", host, port)}
					replies := many(600, 16, func(int) reply { return a.ask() })
					wantAll(t, replies)
					if got := shares(byWorker(replies)); len(got) != 3 || got[0] < 100 {
						t.Errorf("600 connections to %s were spread %v over the workers", host, got)
					}
				}
				if name == "[::1]" && !(asker{network: "tcp", address: loopback(port)}).refused() {
					t.Error("IPv4 is served, too")
				}
			})
		}
	})
}

func TestNodeWorkersThatAskForAnyPortGetTheSame(t *testing.T) {
	t.Parallel()
	nodeScript.require(t)
	web := nodeScript.cluster(t, 3, "tcp", "127.0.0.1:0")
	g := startOnline(t, web)
	port := g.out.nth(t, `^listening (\d+)`, 3)[1]
	if n := g.out.count(`^listening ` + port + `$`); n != 3 {
		t.Fatalf("they listen at different ports:\n%s", g.out.text())
	}
	a := asker{network: "tcp", address: "127.0.0.1:" + port}
	replies := many(600, 16, func(int) reply { return a.ask() })
	wantAll(t, replies)
	if got := shares(byWorker(replies)); len(got) != 3 || got[0] < 100 {
		t.Errorf("600 connections were spread %v over the workers", got)
	}
	kill(t, replies[0].pid)
	g.out.nth(t, `^listening `+port+`$`, 4)
}
