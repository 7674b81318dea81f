//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Case 17.
func TestTenThousandZombiesAtOnceAreAllReaped(t *testing.T) {
	long(t)
	inBothModes(t, func(t *testing.T, m mode) {
		const n = 10_000
		g := start(t, launch{mode: m, args: execArgs("zombies", strconv.Itoa(n), "23", "1h")})
		g.out.next(t, "^bred")
		eventually(t, "no zombie of gorun", func() bool { return zombiesOf(g.pid) == 0 })
		if left := len(childrenOf(g.pid)); left != 1 {
			t.Errorf("gorun has %d children, want the one that lives", left)
		}
	})
}

// Case 17.
func TestAStreamOfOrphansIsReapedInFlatMemory(t *testing.T) {
	long(t)
	inBothModes(t, func(t *testing.T, m mode) {
		t.Parallel()
		g := start(t, launch{mode: m, args: execArgs("daemon", "stay", "stream", "30000", "0")})
		g.out.next(t, "^ready")
		before := memory(t, g.pid, "VmRSS")
		g.out.next(t, "^bred")
		eventually(t, "no zombie of gorun", func() bool { return zombiesOf(g.pid) == 0 })
		after := memory(t, g.pid, "VmRSS")
		t.Logf("gorun's RSS before %d KiB, after %d KiB", before>>10, after>>10)
		if grown := after - before; grown > 4<<20 {
			t.Errorf("gorun grew by %d KiB over 30000 orphans", grown>>10)
		}
	})
}

// Case 17: the codes of gorun's own workers are told right meanwhile.
func TestNoWorkersCodeIsLostAmongTenThousandOrphans(t *testing.T) {
	long(t)
	inBothModes(t, func(t *testing.T, m mode) {
		const jobs = 24
		apps := []app{service("breeder", "stream", "10000", "200").with("autorestart", false)}
		for i := 1; i <= jobs; i++ {
			apps = append(apps, job(fmt.Sprintf("job%d", i), "crash-after", fmt.Sprintf("%dms", 40*i), strconv.Itoa(i)))
		}
		l := webLaunch(t, m, apps...)
		l.args = append(l.args, "--no-auto-exit")
		g := start(t, l)
		g.out.next(t, "^bred")
		g.awaitMetric(t, 200, "gorun_worker_last_exit_code", `app="breeder"`)
		for i := 1; i <= jobs; i++ {
			g.awaitMetric(t, float64(i), "gorun_worker_last_exit_code", fmt.Sprintf(`app="job%d"`, i))
		}
		eventually(t, "no zombie of gorun", func() bool { return zombiesOf(g.pid) == 0 })
		reaped, _ := g.metric(t, "gorun_orphans_reaped_total")
		if reaped != 10_000 {
			t.Errorf("gorun_orphans_reaped_total is %v, want 10000", reaped)
		}
	})
}

// Case 18.
func TestMainsCodeIsToldWhenTenOrphansDieWithIt(t *testing.T) {
	long(t)
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		repeat(t, 100, func(t *testing.T, i int) {
			wantCode(t, start(t, launch{mode: m, args: execArgs("die-together", "10", strconv.Itoa(i%200+1))}), i%200+1)
		})
	})
}

// Case 19.
func TestAnOrphansNewParentIsGorunWithoutAWord(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: execArgs("daemon", "stay", "sleep")})
		g.out.nth(t, "^ready", 2)
		eventually(t, "two children of gorun", func() bool { return len(childrenOf(g.pid)) == 2 })
		if g.err.text() != "" {
			t.Errorf("gorun said %q", g.err.text())
		}
	})
}

// Case 19, with a file.
func TestAWorkersOrphanFallsToGorunWithoutAWarning(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, fileLaunch(t, m, service("app", "daemon", "stay", "sleep")))
		g.out.nth(t, "^ready", 2)
		eventually(t, "two children of gorun", func() bool { return len(childrenOf(g.pid)) == 2 })
		if text := g.err.text(); strings.Contains(text, "warning") {
			t.Errorf("gorun warned:\n%s", text)
		}
	})
}

// Case 20, without a container: orphans that gorun did not start are reaped.
func TestOrphansAreReapedAsTheyDie(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: execArgs("daemon", "stay", "spawn-orphans", "50")})
		g.out.nth(t, "^started", 50)
		eventually(t, "only the main child of gorun", func() bool { return len(childrenOf(g.pid)) == 1 })
		<-time.After(20 * time.Millisecond)
		if !g.running() {
			t.Errorf("gorun ended with %d", g.code)
		}
	})
}

func zombiesOf(pid int) int {
	n := 0
	for _, p := range childrenOf(pid) {
		if p.state == "Z" {
			n++
		}
	}
	return n
}
