//go:build scenarios

package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// newSpeaker is a site with the programs of testdata/ipc, which find npm's
// packages.
func newSpeaker(t *testing.T) site {
	t.Helper()
	dir := openDir(t)
	if err := os.CopyFS(dir, os.DirFS("testdata/ipc")); err != nil {
		t.Fatal(err)
	}
	return site{
		dir: dir, address: freeport.Address(t),
		file: filepath.Join(dir, "ecosystem.json"), socket: filepath.Join(dir, "sock"),
	}
}

// speaker is api by one of those programs, in fork mode.
func (s site) speaker(t *testing.T, script string) app {
	t.Helper()
	return app{"name": "api", "script": script, "interpreter": tool(t, "node"), "cwd": s.dir, "env": map[string]string{"NODE_PATH": npmFolder()}}
}

// clustered has so many workers on the site's port.
func (s site) clustered(t *testing.T, script string, workers int) app {
	t.Helper()
	return s.speaker(t, script).with("exec_mode", "cluster").with("instances", workers).with("env", s.environ("NODE_PATH", npmFolder()))
}

func TestWhatAnAppReportsByPM2IOIsServedAndShown(t *testing.T) {
	t.Parallel()
	fromNPM(t, "@pm2/io")
	s := newSpeaker(t)
	g := operate(t, s, s.speaker(t, "reports.js"))
	figure := func(name, unit string, want float64) {
		t.Helper()
		g.awaitMetric(t, want, "gorun_worker_custom", `app="api"`, `worker="0"`, `name="`+name+`"`, `unit="`+unit+`"`)
	}
	figure("Requests", "", 3)
	figure("Users", "users", 12.5)
	figure("lag", "ms", 12.4)
	figure("latency", "ms", 7.5)
	if value, found := g.metric(t, "gorun_worker_custom", `name="nothing"`); found {
		t.Errorf("what is no number is served as %v", value)
	}
	_, text := g.get(t, "/metrics")
	promtoolSilent(t, text)
	g.tells(t, []string{"show", "api"}, "custom metrics", "Users ", "12.5 users", "12.4 ms")
	g.tells(t, []string{"jlist"}, `"Users": {`)
	g.tells(t, []string{"trigger", "api", "greet"}, `"hello":`)
	if out := g.ok(t, "events", "--nostream"); strings.Contains(out, "axm:monitor") {
		t.Errorf("gorun events tells figures: %s", out)
	}
	g.ok(t, "stop", "api")
	if value, found := g.metric(t, "gorun_worker_custom"); found {
		t.Errorf("after its end a worker has %v", value)
	}
}

// innerLife are the families of node_metrics.
var innerLife = [...]string{
	"gorun_worker_heap_bytes", "gorun_worker_heap_reserved_bytes", "gorun_worker_heap_limit_bytes", "gorun_worker_active_handles",
	"gorun_worker_active_requests", "gorun_worker_gc_pause_seconds_total", "gorun_worker_gc_pauses_total",
	"gorun_worker_event_loop_delay_seconds_count", "gorun_worker_event_loop_delay_seconds_sum",
}

func TestNodeMetricsTellTheInnerLifeOfEveryWorker(t *testing.T) {
	for _, mode := range []string{"fork", "cluster"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			api := s.app().with("interpreter", tool(t, "node")).with("node_metrics", true)
			if mode == "fork" {
				api = api.with("exec_mode", mode).with("increment_var", "PORT").with("env", s.environ("NODE_OPTIONS", "--no-warnings"))
			}
			g := operate(t, s, api)
			for worker := range 2 {
				labels := []string{`app="api"`, fmt.Sprintf(`worker="%d"`, worker)}
				g.awaitFamilies(t, labels)
				for _, quantile := range []string{"0.5", "0.95", "0.99"} {
					if v, found := g.metric(t, "gorun_worker_event_loop_delay_seconds", append(labels, `quantile="`+quantile+`"`)...); !found || v > 5 {
						t.Errorf("worker %d has a delay of %v (found: %v)", worker, v, found)
					}
				}
				if v, _ := g.metric(t, "gorun_worker_heap_bytes", labels...); v < 1<<20 || v > 1<<30 {
					t.Errorf("worker %d has a heap of %v", worker, v)
				}
			}
			_, text := g.get(t, "/metrics")
			promtoolSilent(t, text)
			g.tells(t, []string{"show", "api"}, "event loop", "(p95)", "heap ", "reserved", "gc ")
			if strings.Contains(g.out.text(), "gorun:metrics") {
				t.Errorf("the app has seen what its workers report: %s", g.out.text())
			}
			g.ok(t, "reload", "api")
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}

func (g operated) awaitFamilies(t *testing.T, labels []string) {
	t.Helper()
	eventually(t, fmt.Sprintf("all families of %q", labels), func() bool {
		for _, name := range innerLife {
			if _, found := g.metric(t, name, labels...); !found {
				return false
			}
		}
		return true
	})
}

func TestNodeMetricsHaveAColumnInMonit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := operate(t, s, s.app().with("interpreter", tool(t, "node")).with("node_metrics", true))
	view := openScreen(t, "GORUN_SOCKET="+s.socket+" "+gorunBinary+" monit")
	view.shows(t, "loop", " ms ", "api/1")
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}

// A program behind npm has no channel to report by: it runs as ever, and gorun
// says so.
func TestNodeMetricsOfAProgramWithoutAChannelAreAWarning(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := operate(t, s, s.app().with("script", "exec "+tool(t, "node")+" server.js").with("node_metrics", true))
	if !strings.Contains(g.err.text(), "node_metrics has no effect") {
		t.Errorf("gorun does not say that it has no effect:\n%s", g.err.text())
	}
}

// No file is needed: not even in memory.
func TestNodeMetricsNeedNoDisk(t *testing.T) {
	buildRuntimeImage(t)
	p := place{dir: "/app", address: freeport.Address(t)}
	web := freeport.Address(t)
	file := filepath.Join(openDir(t), "ecosystem.json")
	writeFile(t, file, readText(t, ecosystem(t, p.three(app{"script": "server.js", "node_metrics": true}))), 0o644)
	options := append([]string{"-v", file + ":/ecosystem.json:ro", "--tmpfs", "/dev/shm:ro"}, asNobody...)
	b := startImage(t, runtimeImage, options, "/ecosystem.json", "--web", web)
	b.await(t, "^gorun: ready ", 1)
	eventually(t, "every worker tells of its heap", func() bool {
		_, body := get(t, "http://"+web+"/metrics")
		return strings.Count(body, "\ngorun_worker_heap_bytes{") == 3
	})
}

func TestPromClientIsMergedWithoutARoute(t *testing.T) {
	t.Parallel()
	fromNPM(t, "prom-client")
	s := newSpeaker(t)
	sum := s.clustered(t, "registry.js", 3).with("name", "sum").with("env", place{address: freeport.Address(t)}.environ("NODE_PATH", npmFolder())).
		with("metrics", map[string]any{"ipc": true, "aggregate": true})
	each := s.clustered(t, "registry.js", 2).with("metrics", map[string]any{"ipc": true})
	g := operate(t, s, each, sum)
	g.awaitMetric(t, 5, "hits_total", `app="api"`, `worker="0"`, `method="GET"`)
	g.awaitMetric(t, 5, "hits_total", `app="api"`, `worker="1"`, `method="GET"`)
	g.awaitMetric(t, 11, "cache_size", `app="api"`, `worker="1"`)
	g.awaitMetric(t, 15, "hits_total", `app="sum"`, `method="GET"`)
	g.awaitMetric(t, 12, "cache_size", `app="sum"`) // as prom-client's own aggregator: max
	g.awaitMetric(t, 3, "took_seconds_bucket", `app="sum"`, `le="1"`)
	g.awaitMetric(t, 1, "gorun_worker_scrape_success", `app="sum"`, `worker="2"`)
	_, text := g.get(t, "/metrics")
	promtoolSilent(t, text)
	if out := g.ok(t, "events", "--nostream"); strings.Contains(out, "prom-client") {
		t.Errorf("gorun events tells of it: %s", out)
	}
}

func TestAWorkerThatHangsIsLeftOutOfTheMetricsInTime(t *testing.T) {
	t.Parallel()
	fromNPM(t, "prom-client")
	s := newSpeaker(t)
	g := operate(t, s, s.clustered(t, "registry.js", 2).with("kill_timeout", "1s").with("node_metrics", true).with("metrics", map[string]any{"ipc": true, "timeout": "500ms"}))
	g.awaitMetric(t, 5, "hits_total", `worker="1"`)
	for worker := range 2 {
		g.awaitFamilies(t, []string{fmt.Sprintf(`worker="%d"`, worker)})
	}
	hung := workerOf(t, g.members(t), s.asker("hang").mustAsk(t))
	other := 1 - int(hung[len(hung)-1]-'0')
	g.awaitMetric(t, 0, "gorun_worker_scrape_success", fmt.Sprintf(`worker="%d"`, 1-other))
	// It hangs for good: a scrape that waited for it would never end.
	g.awaitMetric(t, 5, "hits_total", fmt.Sprintf(`worker="%d"`, other))
	if v, found := g.metric(t, "hits_total", fmt.Sprintf(`worker="%d"`, 1-other)); found {
		t.Errorf("the one that hangs has %v", v)
	}
	eventually(t, "its event loop is known to be late", func() bool {
		v, _ := g.metric(t, "gorun_worker_event_loop_delay_seconds", fmt.Sprintf(`worker="%d"`, 1-other), `quantile="0.5"`)
		return v > 1
	})
}

func TestShutdownWithMessageStopsBySayingSo(t *testing.T) {
	t.Parallel()
	s := newSpeaker(t)
	g := operate(t, s, s.speaker(t, "shutdown.js").with("shutdown_with_message", true).with("kill_timeout", "1h"))
	g.out.next(t, "^up$")
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
	if text := g.out.text(); !strings.Contains(text, "shutting down") || strings.Contains(text, "SIGINT") {
		t.Errorf("the worker: %s", text)
	}
}

func TestShutdownWithMessageReachesWorkersThatShareAPort(t *testing.T) {
	t.Parallel()
	s := newSpeaker(t)
	g := operate(t, s, s.clustered(t, "shutdown.js", 2).with("shutdown_with_message", true).with("kill_timeout", "20s"))
	before := g.members(t)
	g.ok(t, "reload", "api")
	if got := changed(before, g.members(t)); got != "api/0 api/1" {
		t.Errorf("%q have another process", got)
	}
	g.out.nth(t, "^shutting down$", 2)
	conn := s.asker("slow").mustSend(t)
	g.signal(t, unix.SIGTERM)
	if _, err := s.asker("").receive(conn); err != nil {
		t.Errorf("the request under way ends with %v", err)
	}
	wantCode(t, g.gorun, 0)
	if text := g.out.text(); strings.Count(text, "shutting down") != 4 || strings.Contains(text, "SIGINT") {
		t.Errorf("the workers: %s", text)
	}
}
