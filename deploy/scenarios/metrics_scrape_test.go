//go:build scenarios

package scenarios_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// scrapes is how many times Prometheus asks. The issue: 300.
const scrapes = 30

// The issue: eight workers, whose own metrics come from every one, while they are
// reloaded and killed: no scrape fails and no sum falls. Not parallel: a scrape
// has a second.
func TestPrometheusHasEveryWorkersMetricsWhateverHappens(t *testing.T) {
	long(t)
	prometheusTool(t, "prometheus")
	s := newShop(t)
	g := operate(t, s.site, s.apps(t)...)
	stopLoad := []func() []reply{loadOn(t, s.asker(""), 2), loadOn(t, asker{network: "tcp", address: s.shop}, 2)}
	p := startPrometheus(t, strings.TrimPrefix(g.address(t), "http://"))
	kills := g.disturb(t, p)
	for _, stop := range stopLoad {
		replies := stop()
		t.Logf("%d requests, of which failed %v", len(replies), kinds(failed(replies)))
		if len(replies) < 500 {
			t.Errorf("%d requests: this shows nothing", len(replies))
		}
	}
	p.wantOne(t, 1, `min_over_time(up[1m])`)
	p.wantOne(t, 0, `max_over_time((scrape_samples_scraped == bool 0)[1m:1s])`)
	p.wantEveryWorker(t, kills)
	p.wantNoFall(t)
	p.wantPanels(t)
	p.wantRules(t)
	g.wantPromtoolSilent(t)
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}

// shop is a site with two apps of testdata/metrics.
type shop struct {
	site
	shop string // the other app's address
}

func newShop(t *testing.T) shop {
	t.Helper()
	s := newClinic(t)
	if err := os.CopyFS(filepath.Join(s.dir, "metrics"), os.DirFS("testdata/metrics")); err != nil {
		t.Fatal(err)
	}
	return shop{s, freeport.Address(t)}
}

// apps are one of Node, told worker by worker, and one of Python, summed.
func (s shop) apps(t *testing.T) []app {
	t.Helper()
	tool(t, "node")
	often := app{"cwd": filepath.Join(s.dir, "metrics"), "exec_mode": "cluster", "min_uptime": "1ms", "max_memory_restart": "1G"}
	web := often.with("name", "web").with("script", "server.js").with("instances", 8).with("env", s.environ()).
		with("metrics", "/metrics").with("node_metrics", true).with("health", map[string]any{"http": "/", "interval": "1s"})
	shop := often.with("name", "shop").with("script", "server.py").with("instances", 2).
		with("interpreter", tool(t, "python3")).with("env", place{address: s.shop}.environ()).
		with("metrics", map[string]any{"path": "/metrics", "aggregate": true})
	return []app{web, shop}
}

// disturb kills workers and reloads the apps until there have been enough scrapes.
func (g operated) disturb(t *testing.T, p prometheus) (kills int) {
	t.Helper()
	enough := func() bool {
		found := p.query(t, `count_over_time(up[1m])`)
		return len(found) == 1 && found[0].last() >= scrapes
	}
	deadline := time.Now().Add((scrapes + 30) * time.Second)
	for !enough() {
		if time.Now().After(deadline) {
			t.Fatalf("not %d scrapes in time", scrapes)
		}
		if kills%4 == 3 {
			g.ok(t, "reload", "all")
		}
		for _, name := range []string{"web/" + strconv.Itoa(kills%8), "shop/" + strconv.Itoa(kills%2)} {
			if m := g.members(t)[name]; m.State == "online" {
				kill(t, m.Pid)
			}
		}
		kills++
		<-time.After(1500 * time.Millisecond)
	}
	g.awaitMetric(t, 8, "gorun_app_workers", `app="web"`, `state="online"`)
	<-time.After(2500 * time.Millisecond) // one more scrape, of all
	return kills
}

// wantEveryWorker looks for what each worker of web tells, in each scrape. One that has
// just been killed is missing until it serves again: on a busy machine in the next few.
func (p prometheus) wantEveryWorker(t *testing.T, kills int) {
	t.Helper()
	// What a scrape has found is there a second after its begin at the latest.
	p.at = time.Now().Add(-1500 * time.Millisecond)
	all := len(p.query(t, `up[1m]`)[0].values)
	told, missed := p.query(t, `shop_requests_total{app="web"}[1m]`), 0
	if len(told) != 8 {
		t.Errorf("%d workers tell something, want 8", len(told))
	}
	for _, one := range told {
		missed += all - len(one.values)
	}
	answered := 0
	for _, one := range p.query(t, `gorun_worker_scrape_success{app="web"}[1m]`) {
		for _, s := range one.values {
			answered += int(s.value)
		}
	}
	t.Logf("%d scrapes of 8 workers, of which %d are not there after %d kills; gorun says that %d are", all, missed, kills, answered)
	const few = 3
	if missed > few*kills || answered != 8*all-missed {
		t.Errorf("%d are missing after %d kills, and gorun says that %d of %d are there", missed, kills, answered, 8*all)
	}
	p.wantOne(t, 8, `count(shop_requests_total{app="web", method="GET"} > 0)`)
	p.wantOne(t, 8, `count(gorun_worker_scrape_success{app="web"} == 1)`)
	p.wantOne(t, 8, `count(shop_request_duration_seconds_bucket{app="web", le="+Inf"})`)
}

// wantNoFall compares each value of every counter with the one before it.
func (p prometheus) wantNoFall(t *testing.T) {
	t.Helper()
	for _, expr := range []string{
		`{app="shop", __name__=~"shop_.*_(total|bucket|sum|count)"}[1m]`,
		`{__name__=~"gorun_.*_(total|bucket|sum|count)"}[1m]`,
	} {
		found := p.query(t, expr)
		for _, one := range found {
			for i := 1; i < len(one.values); i++ {
				if before, now := one.values[i-1], one.values[i]; now.value < before.value {
					t.Errorf("%v falls from %v to %v at %v", one.labels, before.value, now.value, now.at)
				}
			}
		}
		if len(found) < 4 {
			t.Errorf("%s: %d series: this shows nothing", expr, len(found))
		}
	}
	p.wantOne(t, 1, `count(shop_requests_total{app="shop", worker=""} > 100)`)
}

// wantPromtoolSilent has promtool look at all of /metrics.
func (g operated) wantPromtoolSilent(t *testing.T) {
	t.Helper()
	_, text := g.get(t, "/metrics")
	promtoolSilent(t, text)
	if !containsAll(text, []string{"shop_requests_total{", "shop_requests_total{", "gorun_worker_scrape_success{"}) {
		t.Error("/metrics lacks the workers' own")
	}
}

// promtoolSilent has promtool look at what /metrics says.
func promtoolSilent(t *testing.T, text string) {
	t.Helper()
	c := exec.Command(prometheusTool(t, "promtool"), "check", "metrics")
	c.Stdin = strings.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
