//go:build scenarios

package scenarios_test

import (
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The issue: no request is lost by a reload, a scale, or a restart that the clock,
// the memory or a changed file asks for. Not parallel with other tests: it loads
// both processors.
func TestNoRequestIsLostWhenWorkersChange(t *testing.T) {
	long(t)
	var total atomic.Int64
	t.Run("programs", func(t *testing.T) {
		for _, p := range reloaded {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t)
				c := &change{operated: operate(t, s, p.app(t, s)), conf: p.app(t, s)}
				c.orders(t)
				c.events(t)
				c.more(t, 20_000/len(reloaded))
				c.signal(t, unix.SIGTERM)
				wantCode(t, c.gorun, 0)
				total.Add(int64(c.requests))
			})
		}
	})
	t.Logf("%d requests in all", total.Load())
}

// change is a gorun whose workers change under load.
type change struct {
	operated
	conf     app
	requests int
}

// during makes requests, 32 at a time, while f runs. All must be answered. They
// keep the worker busy, not the processor: most are under way at any time.
func (c *change) during(t *testing.T, what string, f func()) {
	t.Helper()
	begun := time.Now()
	stop := loadOn(t, c.site.asker("10ms"), 32)
	f()
	took := time.Since(begun)
	replies := stop()
	c.requests += len(replies)
	t.Logf("%s: %v, %d requests to %d workers", what, took.Round(time.Millisecond), len(replies), len(byWorker(replies)))
	if bad := failed(replies); len(bad) > 0 {
		t.Errorf("%s: %d of %d requests failed: %v", what, len(bad), len(replies), kinds(bad))
	}
}

// orders has the workers changed by commands.
func (c *change) orders(t *testing.T) {
	t.Helper()
	c.during(t, "five reloads", func() {
		for i := range 5 {
			if got := c.changes(t, "reload", "all", "--parallel", strconv.Itoa(1+i%2)); got != "api/0 api/1" {
				t.Errorf("a reload has replaced %q", got)
			}
		}
	})
	c.during(t, "scale to 8", func() { c.ok(t, "scale", "api", "8", "--force") })
	if n := len(c.members(t, "api")); n != 8 {
		t.Errorf("%d workers, want 8", n)
	}
	c.during(t, "scale to 2", func() { c.ok(t, "scale", "api", "2") })
	if n := len(c.members(t, "api")); n != 2 {
		t.Errorf("%d workers, want 2", n)
	}
}

// more reloads until there have been that many requests, however long that takes.
func (c *change) more(t *testing.T, requests int) {
	t.Helper()
	for c.requests < requests && !t.Failed() {
		c.during(t, "another reload", func() { c.ok(t, "reload", "all") })
	}
}

// events has the workers changed by what happens.
func (c *change) events(t *testing.T) {
	t.Helper()
	file := filepath.Join(c.site.dir, "watched.txt")
	writeFile(t, file, "one", 0o644)
	triggers := c.conf.with("max_memory_restart", "400M").with("watch", []string{file}).with("watch_delay", "50ms")
	c.during(t, "apply", func() { c.apply(t, triggers) })
	c.during(t, "too much memory", func() {
		c.site.asker("eat").mustAsk(t)
		c.awaitRestarts(t, "memory", 1)
	})
	c.during(t, "a changed file", func() {
		writeFile(t, file, "two", 0o644)
		c.awaitRestarts(t, "watch", 2)
	})
	c.during(t, "the clock", func() {
		c.apply(t, c.conf.with("cron_restart", "* * * * * *"))
		c.awaitRestarts(t, "cron", 2)
	})
}

// apply changes the file.
func (c *change) apply(t *testing.T, conf app) {
	t.Helper()
	c.site.write(t, conf)
	if got := c.changes(t, "apply"); got != "api/0 api/1" {
		t.Errorf("gorun apply has replaced %q", got)
	}
}

// awaitRestarts waits for so many restarts of that reason, and but for the clock,
// which never rests, until the app takes orders again.
func (c *change) awaitRestarts(t *testing.T, reason string, n int) {
	t.Helper()
	eventually(t, "restarts by "+reason, func() bool { return c.restarts(t, reason) >= n })
	if reason != "cron" {
		// It runs already, but who is busy refuses.
		eventually(t, "the restart is over", func() bool { return c.order(t, "start", "api").code == 0 })
	}
}

// restarts counts those of that reason over the workers.
func (c *change) restarts(t *testing.T, reason string) int {
	t.Helper()
	sum := 0
	for _, instance := range []string{"0", "1"} {
		n, _ := c.metric(t, "gorun_worker_restarts_total", `app="api"`, `reason="`+reason+`"`, `worker="`+instance+`"`)
		sum += int(n)
	}
	return sum
}
