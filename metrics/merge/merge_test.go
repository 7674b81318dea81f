package merge

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gorun/supervisor/spec"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

// says is a worker that always answers the same.
func says(instance int, run, body string) Worker {
	return Worker{Instance: instance, Run: run, Fetch: func(context.Context) (Answer, error) {
		kind := "text/plain; version=0.0.4"
		if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
			kind = "application/json"
		}
		return Answer{Body: []byte(body), ContentType: kind}, nil
	}}
}

func app(name string, config spec.Metrics, workers ...Worker) App {
	return App{Name: name, Config: config, Workers: workers}
}

// once asks all of them without a memory.
func once(t *testing.T, apps ...App) Result {
	t.Helper()
	return scrapeOf(t, New(Options{Reuse: 1}), apps...)
}

func scrapeOf(t *testing.T, m *Merger, apps ...App) Result {
	t.Helper()
	m.mu.Lock()
	m.scrape = nil // no reuse: these tests are about what comes out
	m.mu.Unlock()
	return m.Collect(t.Context(), apps)
}

func textOf(tb testing.TB, families []*dto.MetricFamily) string {
	tb.Helper()
	var out bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			tb.Fatalf("format %s: %v", f.GetName(), err)
		}
	}
	return out.String()
}

func openMetricsOf(tb testing.TB, families []*dto.MetricFamily) string {
	tb.Helper()
	var out bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToOpenMetrics(&out, f); err != nil {
			tb.Fatalf("format %s: %v", f.GetName(), err)
		}
	}
	out.WriteString("# EOF\n")
	return out.String()
}

func reparse(tb testing.TB, text string) map[string]*dto.MetricFamily {
	tb.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		tb.Fatalf("parse: %v\n%s", err, text)
	}
	return families
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (write it anew by go test -update):\n%s", path, got)
	}
}

func read(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func TestGoldens(t *testing.T) {
	python, node := read(t, "python.txt"), read(t, "promclient.json")
	apps := func(config spec.Metrics) []App {
		config.Rules = map[string]string{"queue_*": "max"}
		return []App{
			app("web", config, says(0, "a", python), says(1, "b", strings.ReplaceAll(python, "3.0", "4.0"))),
			app("api", config, says(0, "a", node), says(1, "b", node)),
		}
	}
	t.Run("labelled", func(t *testing.T) {
		golden(t, "labelled.txt", textOf(t, once(t, apps(spec.Metrics{})...).Families))
	})
	t.Run("aggregated", func(t *testing.T) {
		golden(t, "aggregated.txt", textOf(t, once(t, apps(spec.Metrics{Aggregate: true})...).Families))
	})
}

func TestOneWorkersText(t *testing.T) {
	tests := []struct {
		name, in, out string
		dropped       Dropped
	}{
		{"untyped", "x 1\n", "# TYPE x untyped\nx{A,W} 1\n", Dropped{}},
		{"no newline at the end", "x 1", "# TYPE x untyped\nx{A,W} 1\n", Dropped{}},
		{"CRLF and blanks", "# TYPE x gauge\r\n  x { }  1\t\r\n", "# TYPE x gauge\nx{A,W} 1\n", Dropped{}},
		{"timestamp and exemplar", "x 1 1700000000000\ny 2 # {id=\"#\"} 1 2\n", "# TYPE x untyped\nx{A,W} 1\n# TYPE y untyped\ny{A,W} 2\n", Dropped{}},
		{"help", "# HELP x a\\\\b\\nc\n# TYPE x counter\nx 1\n", "# HELP x a\\\\b\\nc\n# TYPE x counter\nx{A,W} 1\n", Dropped{}},
		{"broken lines", "x\nx{ 1\nx{a=\"} 1\nx{a=b} 1\nx{a=\"b\"c=\"d\"} 1\nx one\nx 1 2 3\n1x 1\nx 0x1p3\nx 1\n", "# TYPE x untyped\nx{A,W} 1\n", Dropped{Malformed: 9}},
		{"hostile labels", "x{a=\"\\\"}\\n# EOF\\n\\\\\",b=\"\\q\"} 1\nx{__name__=\"y\"} 1\nx{a=\"1\",a=\"2\"} 1\n", "# TYPE x untyped\nx{a=\"\\\"}\\n# EOF\\n\\\\\",A,b=\"\\\\q\",W} 1\n", Dropped{Malformed: 2}},
		{"invalid UTF-8", "x{a=\"\xff\"} 1\n\xff 1\n", "# TYPE x untyped\nx{a=\"\uFFFD\",A,W} 1\n", Dropped{Malformed: 1}},
		{"empty label", "x{b=\"\"} 1\nx 2\n", "# TYPE x untyped\nx{A,W} 1\n", Dropped{Duplicate: 1}},
		{"duplicate", "x{a=\"1\",b=\"2\"} 1\nx{b=\"2\",a=\"1\",} 2\n", "# TYPE x untyped\nx{a=\"1\",A,b=\"2\",W} 1\n", Dropped{Duplicate: 1}},
		{"exported", "x{app=\"a\",worker=\"b\",exported_app=\"c\"} 1\n", "# TYPE x untyped\nx{A,exported_app=\"c\",exported_exported_app=\"a\",exported_worker=\"b\",W} 1\n", Dropped{}},
		{"gorun's names", "# TYPE gorun_x histogram\ngorun_x_sum 1\ngorun_y 1\nx 1\n", "# TYPE x untyped\nx{A,W} 1\n", Dropped{Reserved: 2}},
		{"second TYPE", "# TYPE x gauge\n# TYPE x counter\nx 1\n", "# TYPE x gauge\nx{A,W} 1\n", Dropped{Malformed: 1}},
		{"unknown TYPE", "# TYPE x odd\nx 1\n", "# TYPE x untyped\nx{A,W} 1\n", Dropped{Malformed: 1}},
		{"name of another's sample", "# TYPE x_count gauge\nx_count 1\n# TYPE x histogram\nx_bucket{le=\"1\"} 1\n", "# TYPE x_count gauge\nx_count{A,W} 1\n", Dropped{Conflict: 1}},
		{
			"histogram in no order", "# TYPE x histogram\nx_count 3\nx_bucket{le=\"+Inf\"} 3\nx_bucket{le=\"1\"} 2\nx_bucket{le=\"1.0\"} 9\nx_sum 4\nx 1\nx_bucket 1\nx_count -1\nx_sum 5\n",
			"# TYPE x histogram\nx_bucket{A,W,le=\"1\"} 2\nx_bucket{A,W,le=\"+Inf\"} 3\nx_sum{A,W} 4\nx_count{A,W} 3\n",
			Dropped{Malformed: 3, Duplicate: 2},
		},
		{"histogram of fractions, without count", "# TYPE x histogram\nx_bucket{le=\"1\"} 2.5\n", "# TYPE x histogram\nx_bucket{A,W,le=\"1\"} 2\nx_bucket{A,W,le=\"+Inf\"} 2\nx_sum{A,W} 0\nx_count{A,W} 2\n", Dropped{}},
		{"summary", "# TYPE x summary\nx{quantile=\"0.5\"} NaN\nx_sum 4\nx_count 2\nx 1\n", "# TYPE x summary\nx{A,W,quantile=\"0.5\"} NaN\nx_sum{A,W} 4\nx_count{A,W} 2\n", Dropped{Malformed: 1}},
		{
			"OpenMetrics", "# TYPE x counter\n# HELP x Help.\nx_total 3.0 # {t=\"1\"} 1.0\nx_created 1.5\n# UNIT y s\n# TYPE b info\nb_info{v=\"1\"} 1\n# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} 1\ng_gcount 1\n# TYPE u unknown\nu 1 1.5\n# EOF\n",
			"# TYPE b_info gauge\nb_info{A,v=\"1\",W} 1\n# TYPE u untyped\nu{A,W} 1\n# HELP x_total Help.\n# TYPE x_total counter\nx_total{A,W} 3\n",
			Dropped{Unsupported: 2},
		},
		{"empty", "", "", Dropped{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := once(t, app("a", spec.Metrics{}, says(7, "", test.in)))
			want := strings.NewReplacer("A", `app="a"`, "W", `worker="7"`).Replace(test.out)
			got := textOf(t, r.Families)
			if got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if r.Dropped != test.dropped || !r.Workers[0].Success() {
				t.Errorf("dropped %v, reason %q, want %v", r.Dropped, r.Workers[0].Reason, test.dropped)
			}
		})
	}
}

func TestWorkersThatContradictEachOther(t *testing.T) {
	r := once(t,
		app("b", spec.Metrics{}, says(1, "", "# TYPE x counter\nx 1\ny 1\n# TYPE h_count gauge\nh_count 1\n"), says(0, "", "# HELP y Why.\ny 0\n")),
		app("a", spec.Metrics{}, says(0, "", "# TYPE x gauge\nx 5\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n")),
	)
	want := `# TYPE h histogram
h_bucket{app="a",worker="0",le="+Inf"} 1
h_sum{app="a",worker="0"} 0
h_count{app="a",worker="0"} 1
# TYPE x gauge
x{app="a",worker="0"} 5
# HELP y Why.
# TYPE y untyped
y{app="b",worker="0"} 0
y{app="b",worker="1"} 1
`
	if got := textOf(t, r.Families); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if last := r.Workers[2]; last.Dropped[Conflict] != 2 || last.App != "b" || last.Instance != 1 {
		t.Errorf("report = %+v, want 2 conflicts of b 1", last)
	}
}

func TestWorkersThatAreLeftOut(t *testing.T) {
	html := Worker{Fetch: func(context.Context) (Answer, error) {
		return Answer{Body: []byte("<p>"), ContentType: "text/html; charset=utf-8"}, nil
	}}
	tests := []struct {
		name    string
		options Options
		worker  Worker
		reason  string
	}{
		{"too large", Options{MaxBytes: 5}, says(0, "", "x 100\n"), "larger than 5 bytes"},
		{"too many", Options{MaxWorkerSamples: 1}, says(0, "", "x 1\ny 1\n"), "more samples than 1"},
		{"too many in all", Options{MaxSamples: 10}, says(0, "", strings.Repeat("x 1\n", 11)), errQuota.Error()},
		{"too many in JSON", Options{MaxWorkerSamples: 1}, says(0, "", read(t, "promclient.json")), "more samples than 1"},
		{"no metrics", Options{}, says(0, "", "Cannot GET /metrics\n"), errEmpty.Error()},
		{"HTML", Options{}, html, "text/html"},
		{"prom-client's error", Options{}, says(0, "", `{"error":"no"}`), "prom-client: no"},
		{"prom-client's file", Options{}, says(0, "", `{"filename":"/tmp/x"}`), "no metrics"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := scrapeOf(t, New(test.options), app("a", spec.Metrics{}, test.worker, says(1, "", "z 1\n")))
			if got := r.Workers[0]; !strings.Contains(got.Reason, test.reason) || got.Samples != 0 {
				t.Errorf("report = %+v, want %q", got, test.reason)
			}
			if len(r.Families) != 1 || !r.Workers[1].Success() || r.Workers[1].Samples != 1 {
				t.Errorf("families %v, want those of the other worker", r.Families)
			}
		})
	}
}

// A worker was left out when another one asked for too much at that moment.
func TestAWorkerOverTheQuotaTakesNothingFromOthers(t *testing.T) {
	var quota sampleQuota
	quota.left.Store(10)
	var greedy sync.WaitGroup
	over := make(chan struct{})
	greedy.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				if quota.acquire(11) {
					t.Error("11 of 10 were acquired")
					return
				}
			}
		}
	})
	for range 100_000 {
		if !quota.acquire(1) {
			t.Error("1 of 10 was refused")
			break
		}
		quota.left.Add(1)
	}
	close(over)
	greedy.Wait()
}

func TestTheSameWorkerTwice(t *testing.T) {
	r := once(t,
		app("a\xff", spec.Metrics{}, says(0, "old", "x 1\n"), says(0, "new", "x 2\n")),
		app("a\xfe", spec.Metrics{Aggregate: true}, says(3, "", "x 3\n")),
		app("b", spec.Metrics{Aggregate: true}, says(0, "old", "x 4\n"), says(0, "new", "x 5\n")),
	)
	want := "# TYPE x untyped\nx{app=\"a\uFFFD\",worker=\"0\"} 1\nx{app=\"b\"} 9\n"
	if got := textOf(t, r.Families); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if r.Workers[1].Success() || r.Workers[2].Success() || !r.Workers[3].Success() {
		t.Errorf("reports %+v, want the second and the third left out", r.Workers)
	}
}

func TestCombineWithGorunsOwn(t *testing.T) {
	own := []*dto.MetricFamily{
		reparse(t, "# HELP process_cpu_seconds_total Mine.\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1\n")["process_cpu_seconds_total"],
		reparse(t, "# TYPE go_threads gauge\ngo_threads 7\n")["go_threads"],
	}
	before := textOf(t, own)
	r := once(t, app("a", spec.Metrics{}, says(0, "", "# HELP process_cpu_seconds_total Theirs.\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 2\n# TYPE go_threads counter\ngo_threads 3\nx 1\n")))
	families := Combine(own, r.Families)
	want := `# TYPE go_threads gauge
go_threads 7
# HELP process_cpu_seconds_total Mine.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1
process_cpu_seconds_total{app="a",worker="0"} 2
# TYPE x untyped
x{app="a",worker="0"} 1
`
	if got := textOf(t, families); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if textOf(t, own) != before {
		t.Error("gorun's own families were changed")
	}
}

func TestOpenMetricsHasNoNameTwice(t *testing.T) {
	r := once(t, app("a", spec.Metrics{}, says(0, "", "# TYPE x gauge\nx 1\n# TYPE x_total counter\nx_total 2\n# TYPE y counter\ny 1\n# TYPE y_total gauge\ny_total 1\nz 1\n")))
	names := ""
	for _, f := range Unambiguous(r.Families) {
		names += f.GetName() + " "
	}
	if names != "x_total y z " || len(r.Families) != 5 {
		t.Errorf("%s of %d, want x_total, y and z of 5", names, len(r.Families))
	}
}
