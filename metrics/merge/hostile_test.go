package merge

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"gorun/supervisor/spec"

	dto "github.com/prometheus/client_model/go"
)

// check finds out whether a result can be served: what is parsed again is
// what was formatted, and OpenMetrics has no family and no sample twice.
func check(t *testing.T, families []*dto.MetricFamily) {
	t.Helper()
	text := textOf(t, families)
	parsed := reparse(t, text)
	if len(parsed) != len(families) {
		t.Errorf("%d families, %d when parsed again\n%s", len(families), len(parsed), text)
	}
	var again []*dto.MetricFamily
	for _, name := range slices.Sorted(maps.Keys(parsed)) {
		again = append(again, parsed[name])
	}
	if got := textOf(t, again); got != text {
		t.Errorf("parsed again:\n%swant\n%s", got, text)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		if series := line[:strings.LastIndexByte(line, ' ')]; seen[series] && !strings.HasPrefix(line, "# HELP") {
			t.Errorf("twice: %s", series)
		} else {
			seen[series] = true
		}
	}
	names := map[string]bool{}
	for line := range strings.Lines(openMetricsOf(t, Unambiguous(families))) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ = strings.Cut(name, " ")
			if names[name] {
				t.Errorf("OpenMetrics has %s twice", name)
			}
			names[name] = true
		}
	}
}

// direct is a scrape without goroutines, which would confuse the fuzzer.
func direct(t *testing.T, m *Merger, apps ...App) Result {
	t.Helper()
	scrapes := newScrapes(apps)
	for _, a := range scrapes {
		for _, target := range a.targets {
			answer, err := target.worker.Fetch(t.Context())
			if err == nil && target.report.Success() {
				err = target.read(answer, m.options)
			}
			if err != nil {
				target.parsed, target.labelled = nil, nil
			}
		}
	}
	return m.merge(scrapes)
}

// everyWay merges two bodies of two workers, labelled and added up.
func everyWay(t *testing.T, one, other string) {
	t.Helper()
	for _, config := range []spec.Metrics{{}, {Aggregate: true}} {
		m := New(Options{})
		first := direct(t, m, app("a", config, says(0, "1", one), says(1, "1", other)), app(other, config, says(0, "1", one)))
		check(t, first.Families)
		second := direct(t, m, app("a", config, says(0, "2", other), says(1, "1", one)))
		check(t, second.Families)
		both := Combine(first.Families, second.Families)
		if config.Aggregate || len(both) == 0 {
			continue
		}
		reparse(t, textOf(t, both))
	}
}

func seeds(tb testing.TB) []string {
	tb.Helper()
	return []string{
		read(tb, "python.txt"), read(tb, "promclient.json"),
		"# TYPE x counter\nx_total 1 # {a=\"b\"} 1\nx_created 1\n# EOF\n",
		"# TYPE x histogram\nx_bucket{le=\"1\"} 2\nx_bucket{le=\"+Inf\"} 1.5\nx_count 1e300\n# TYPE x_count gauge\n",
		"# TYPE x gauge\nx 1\n# TYPE x_total counter\nx_total{app=\"\\\"\",exported_app=\"\\n\"} NaN\n",
		"# TYPE a summary\na{quantile=\"-0\"} 1\na{quantile=\"0\"} 1\na_count 1.5\n# HELP a  \\n x\n",
		"x{a=\"\xff\",b=\"\x00\",le=\"1\",quantile=\"2\"} -0\n", "{", "[[", "[]", "{\"metrics\":[[{}]]}",
		"# TYPE x histogram\nx_sum 1\n", "x_sum 1\nx 1\nx_total 1\n# TYPE x counter\n",
	}
}

func FuzzMerge(f *testing.F) {
	for _, one := range seeds(f) {
		for _, other := range seeds(f) {
			f.Add(one, other)
		}
	}
	f.Fuzz(everyWay)
}

func FuzzPromClient(f *testing.F) {
	f.Add(read(f, "promclient.json"))
	f.Add(`{"metrics":[[{"name":"x","type":"histogram","help":"\n","aggregator":"min","values":[{"value":1,"metricName":"x_bucket","labels":{"le":1e400}}]}]]}`)
	f.Add(`[{"name":"x","type":"gauge","values":[{"value":1,"labels":{"a b":1,"\ud800":"\u0000"}}]},{"name":"x","type":"counter","values":[{"value":-0}]}]`)
	f.Fuzz(func(t *testing.T, body string) {
		b := newBuilder(1000)
		if parsePromClient([]byte(body), b) != nil {
			return
		}
		if _, err := b.finish(); err != nil && !errors.Is(err, errEmpty) {
			t.Errorf("finish: %v", err)
		}
		everyWay(t, body, "x 1\n")
	})
}
