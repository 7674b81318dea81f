//go:build scenarios

package scenarios_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

func TestRestartsUnderLoadLeaveNothingBehind(t *testing.T) {
	long(t)
	// Node takes so long to start that a thousand would take minutes.
	for in, plan := range map[language]struct {
		restarts int
		pace     time.Duration
	}{staticGo: {1000, 0}, nodeScript: {150, 50 * time.Millisecond}} {
		t.Run(string(in), func(t *testing.T) {
			t.Parallel()
			in.require(t)
			a := asker{network: "tcp", address: freeport.Address(t), path: "2ms"}
			web := in.cluster(t, 4, "tcp", a.address)
			g := startOnline(t, web)
			fresh := g.possessions(t, web)
			g.restartUnderLoad(t, a, 50, plan.pace)
			before := g.settled(t, web, possessions{fresh.descriptors, fresh.threads + 20, fresh.goroutines, fresh.resident})
			begun := time.Now()
			replies := g.restartUnderLoad(t, a, plan.restarts, plan.pace)
			took := time.Since(begun)
			after := g.settled(t, web, before)
			t.Logf("%d restarts in %v under %d requests, of which failed %v\nfresh  %v\nbefore %v\nafter  %v",
				plan.restarts, took.Round(time.Millisecond), len(replies), kinds(failed(replies)), fresh, before, after)
			for _, r := range failed(replies) {
				if errors.Is(r.err, unix.ECONNREFUSED) {
					t.Errorf("refused: %v", r.err)
				}
			}
			if children := childrenOf(g.pid); len(children) != 4 {
				t.Errorf("gorun has the children %v, want 4", children)
			}
			if left := processesWith(g.marker); len(left) != 5 {
				t.Errorf("there are %v, want gorun and 4 workers", left)
			}
		})
	}
}

// restartUnderLoad kills the workers, the oldest first, until there have been
// n more restarts.
func (g *gorun) restartUnderLoad(t *testing.T, a asker, n int, pace time.Duration) []reply {
	t.Helper()
	stop := loadOn(t, a, 8)
	goal := g.sum(t, "gorun_worker_restarts_total") + float64(n)
	k := &killer{gorun: g}
	for last := time.Now(); len(k.killed) < n; last = time.Now() {
		eventually(t, fmt.Sprintf("the replacement after %d", len(k.killed)), func() bool {
			k.look()
			return len(k.workers) == 4 && time.Since(last) >= pace
		})
		k.kill(t)
	}
	eventually(t, fmt.Sprintf("%d restarts", n), func() bool { return g.sum(t, "gorun_worker_restarts_total") >= goal })
	return stop()
}

// loadOn makes requests until stop is called, which returns how they ended.
func loadOn(t *testing.T, a asker, clients int) (stop func() []reply) {
	t.Helper()
	done := make(chan struct{})
	var mu sync.Mutex
	var replies []reply
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for {
				r := a.ask()
				mu.Lock()
				replies = append(replies, r)
				mu.Unlock()
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	stop = sync.OnceValue(func() []reply {
		close(done)
		running.Wait()
		return replies
	})
	t.Cleanup(func() { stop() })
	return stop
}

// possessions are what a leak would show in.
type possessions struct {
	descriptors, threads, goroutines int
	resident                         int64
}

func (p possessions) String() string {
	return fmt.Sprintf("%d descriptors, %d threads, %d goroutines, %.1f MiB", p.descriptors, p.threads, p.goroutines, float64(p.resident)/(1<<20))
}

// exceeds leaves room for what comes and goes: a connection for /metrics, a
// thread that the Go runtime keeps, a heap that has not been swept yet.
func (p possessions) exceeds(before possessions) bool {
	return p.descriptors > before.descriptors+2 || p.threads > before.threads+4 ||
		p.goroutines > before.goroutines+4 || p.resident > before.resident+16<<20
}

// settled waits until gorun has no more than it had: what it passes on for a
// worker that is gone takes a moment to end.
func (g *gorun) settled(t *testing.T, a app, before possessions) possessions {
	t.Helper()
	var now possessions
	deadline := time.After(patience)
	for {
		if now = g.possessions(t, a); !now.exceeds(before) {
			return now
		}
		select {
		case <-deadline:
			t.Errorf("gorun has %v, and before it had %v", now, before)
			return now
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// possessions waits until all workers are online.
func (g *gorun) possessions(t *testing.T, a app) possessions {
	t.Helper()
	g.awaitOnline(t, a)
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.pid))
	if err != nil {
		t.Fatal(err)
	}
	threads, err := strconv.Atoi(statusField(t, g.pid, "Threads"))
	if err != nil {
		t.Fatal(err)
	}
	return possessions{
		descriptors: len(entries), threads: threads, goroutines: int(g.sum(t, "go_goroutines")),
		resident: memory(t, g.pid, "VmRSS"),
	}
}
