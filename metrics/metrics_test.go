package metrics

import (
	"bytes"
	"flag"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorun/supervisor/status"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

type fake func() status.Snapshot

func (f fake) Sample() status.Snapshot   { return f() }
func (f fake) Snapshot() status.Snapshot { return f() }

// full is a snapshot in which every figure is there and different.
func full() status.Snapshot {
	at := time.Unix(1_700_000_000, 250_000_000)
	running := status.Worker{
		App: "api", State: status.Online, Since: at, Pid: 41, Started: at, Ready: true,
		Starts: 7, Restarts: [...]uint64{3, 2, 1, 4, 5, 6, 7, 8, 3}, Exits: [...]uint64{5, 4, 3, 2, 1},
		LastExit: &status.Exit{Code: 137, Outcome: status.OutOfMemory, At: at.Add(-time.Second)},
		Unstable: 2, FailedRuns: 9, Backoff: 150 * time.Millisecond, ForcedKills: 8,
		Lines: status.Lines{OutLines: 10, OutBytes: 1000, ErrLines: 20, ErrBytes: 2000},
		Probe: status.Probe{
			Up: true, Checks: 12, Failures: 2,
			Times: status.ProbeTimes{Count: 12, Sum: 0.3, Buckets: [...]uint64{1, 2, 3, 4, 5, 6, 12, 12}},
		},
		Custom: []status.Custom{{Name: "latency", Unit: "ms", Value: 12.4}, {Name: "Users", Value: 3}},
		Vitals: &status.Vitals{P50: 0.001, P95: 0.02, P99: 0.3, HeapUsed: 5 << 20, HeapReserved: 6 << 20, HeapLimit: 7 << 20, Handles: 8, Requests: 9},
		Totals: status.Totals{Delay: 1.5, Ticks: 1000, Pause: 0.25, Pauses: 12},
		Usage:  status.Usage{CPU: 12340 * time.Millisecond, Resident: 64 << 20, Descriptors: 23, Threads: 11, Processes: 3},
	}
	fresh := status.Worker{App: "api", Instance: 1, ID: 1, State: status.WaitingRestart}
	return status.Snapshot{
		Apps: []status.App{{
			Name: "api", Namespace: "default", Mode: "cluster", Sharing: "node", Interpreter: "node", Script: "/app/server.js",
			Desired: 2, MemoryLimit: 512 << 20, Workers: []status.Worker{running, fresh},
			Starts: status.Histogram{}.Observe(200 * time.Millisecond).Observe(3 * time.Second),
			Stops:  status.Histogram{}.Observe(10 * time.Minute),
			Ports:  []status.Port{{Address: "[::]:3000", Instance: 0, Length: 3, Limit: 511}, {Address: "[::]:3000", Instance: 1, Limit: 511}},
			Relays: []status.Relay{{Address: "[::]:3000", Connections: 17}},
			Probe:  "http", Reloads: status.Reloads{Done: 3, Failed: 1, Times: status.Histogram{}.Observe(4 * time.Second)},
		}},
		Config:        status.Config{Reloads: 4, Failures: 2, Loaded: at},
		ShuttingDown:  true,
		OrphansReaped: 9,
		Group:         status.Cgroup{MemoryUsage: 1 << 20, MemoryLimit: 1 << 30, OOMKills: 6, CPULimit: 1.5, Throttled: 2500 * time.Millisecond},
	}
}

func options(source Source) Options {
	o := Options{
		Source:  source,
		Signals: func() map[string]uint64 { return map[string]uint64{"SIGTERM": 1, "SIGHUP": 2} },
		Health:  func(status.Snapshot) (live, ready bool) { return true, false },
	}
	o.Build.Version, o.Build.Revision, o.Build.GoVersion = "1.2.3", "abc", "go1.26"
	return o
}

func scrape(t *testing.T, handler http.Handler, accept string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("GET /metrics = %d\n%s", w.Code, w.Body)
	}
	return w
}

// own drops what is not about gorun's work: it differs between machines.
func own(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), "gorun_") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func TestEveryFamilyIsServed(t *testing.T) {
	tests := []struct{ name, accept, golden, content string }{
		{"text", "", "full.txt", "text/plain; version=0.0.4"},
		{"OpenMetrics", "application/openmetrics-text; version=1.0.0", "full.om", "application/openmetrics-text; version=1.0.0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := scrape(t, Handler(options(fake(full))), test.accept)
			got, golden := own(w.Body.String()), filepath.Join("testdata", test.golden)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("differs from %s (write it anew by go test -update):\n%s", golden, got)
			}
			if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, test.content) {
				t.Errorf("Content-Type = %q, want %q", got, test.content)
			}
		})
	}
}

// parse reads the text format and returns the families by name.
func parse(t *testing.T, text []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, text)
	}
	return families
}

func TestGorunItselfIsServed(t *testing.T) {
	families := parse(t, scrape(t, Handler(options(fake(full))), "").Body.Bytes())
	for _, name := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestOpenMetricsKeepsItsRules(t *testing.T) {
	text := scrape(t, Handler(options(fake(full))), "application/openmetrics-text; version=1.0.0").Body.String()
	if !strings.HasSuffix(text, "\n# EOF\n") {
		t.Errorf("no # EOF at the end: %q", text[len(text)-40:])
	}
	parse(t, []byte(text))
	kind, family, seen := "", "", map[string]bool{}
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			family, kind, _ = strings.Cut(strings.TrimSpace(name), " ")
			if seen[family] {
				t.Errorf("family %s is in two places", family)
			}
			seen[family] = true
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		name := line[:strings.IndexAny(line, "{ ")]
		suffix, ok := strings.CutPrefix(name, family)
		if !ok || kind == "counter" && suffix != "_total" || kind == "gauge" && suffix != "" {
			t.Errorf("%s is no sample of the %s %s", name, kind, family)
		}
	}
}

// hostile holds names that no ecosystem file should have.
func hostile() status.Snapshot {
	var s status.Snapshot
	for _, name := range []string{"a\xff", "a\xfe", "a\uFFFD", "a\uFFFD~2", "twice", "twice", "", "q\"}\n# EOF\n", `\`, "\x00", "{a=\"b\"}"} {
		s.Apps = append(s.Apps, status.App{
			Name: name, Namespace: name, Mode: name, Interpreter: name, Script: name, Desired: 1,
			Workers: []status.Worker{
				{App: name, Custom: []status.Custom{{Name: name + "a", Unit: name}, {Name: name + "b", Value: math.MaxFloat64}}}, {App: name, Instance: 1},
			},
		})
	}
	return s
}

func TestHostileNamesDoNotFailAScrape(t *testing.T) {
	var log bytes.Buffer
	o := options(fake(hostile))
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	for _, accept := range []string{"", "application/openmetrics-text; version=1.0.0"} {
		families := parse(t, scrape(t, Handler(o), accept).Body.Bytes())
		if got, want := len(families["gorun_worker_up"].GetMetric()), 2*len(hostile().Apps); got != want {
			t.Errorf("Accept %q: %d workers, want %d", accept, got, want)
		}
		names := map[string]bool{}
		for _, m := range families["gorun_app_info"].GetMetric() {
			names[m.GetLabel()[0].GetValue()] = true
		}
		if len(names) != len(hostile().Apps) || !names["q\"}\n# EOF\n"] || !names["twice~2"] {
			t.Errorf("Accept %q: apps %v, want each by a name of its own", accept, names)
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a\xff", "a\xfe")
	f.Add("a\uFFFD", "a\uFFFD~2")
	f.Fuzz(func(t *testing.T, one, other string) {
		var log bytes.Buffer
		o := Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Source: fake(func() status.Snapshot {
			return status.Snapshot{Apps: []status.App{{Name: one}, {Name: other}, {Name: one}}}
		})}
		families := parse(t, scrape(t, Handler(o), "").Body.Bytes())
		if n := len(families["gorun_app_info"].GetMetric()); n != 3 || log.Len() > 0 {
			t.Errorf("%q and %q: %d apps, logged %q, want 3 and nothing", one, other, n, &log)
		}
	})
}

func TestTheSameWorkerTwiceIsLoggedAndTheRestServed(t *testing.T) {
	var log bytes.Buffer
	o := options(fake(func() status.Snapshot {
		s := full()
		s.Apps[0].Workers[1].Instance = 0
		return s
	}))
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	families := parse(t, scrape(t, Handler(o), "").Body.Bytes())
	if got := len(families["gorun_worker_up"].GetMetric()); got != 1 || families["gorun_app_workers"] == nil {
		t.Errorf("%d workers, want the one that is not there twice, and the apps", got)
	}
	if !strings.Contains(log.String(), "metrics page is incomplete") {
		t.Errorf("log = %q, want a word about it", &log)
	}
}

func TestOnlyTheSourceIsNeeded(t *testing.T) {
	families := parse(t, scrape(t, Handler(Options{Source: fake(full)}), "").Body.Bytes())
	for name, want := range map[string]bool{"gorun_live": false, "gorun_signals_received_total": false, "gorun_worker_up": true} {
		if got := families[name] != nil; got != want {
			t.Errorf("%s served = %v, want %v", name, got, want)
		}
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	handler := Handler(options(fake(full)))
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "DELETE": 405} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(method, "/metrics", nil))
		if w.Code != want || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s = %d, Cache-Control %q, want %d, no-store", method, w.Code, w.Header().Get("Cache-Control"), want)
		}
	}
}

func TestScrapesAtTheSameTimeTakeOneSampleEach(t *testing.T) {
	var mu sync.Mutex
	inside, most := 0, 0
	handler := Handler(options(fake(func() status.Snapshot {
		mu.Lock()
		inside++
		most = max(most, inside)
		mu.Unlock()
		snapshot := full()
		mu.Lock()
		inside--
		mu.Unlock()
		return snapshot
	})))
	var wg sync.WaitGroup
	for range maxScrapes {
		wg.Go(func() {
			for range 10 {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
				if w.Code != http.StatusOK {
					t.Errorf("scrape = %d", w.Code)
				}
			}
		})
	}
	wg.Wait()
	if most != 1 {
		t.Errorf("%d samples at a time, want 1", most)
	}
}
