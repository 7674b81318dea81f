package merge

import (
	"fmt"
	"strings"
	"testing"

	"gorun/supervisor/spec"
)

// exposition is a worker's text of 500 samples: counters, gauges, histograms.
func exposition(worker int) string {
	var text strings.Builder
	for f := range 10 {
		fmt.Fprintf(&text, "# HELP requests_%d_total Requests.\n# TYPE requests_%[1]d_total counter\n", f)
		for i := range 20 {
			fmt.Fprintf(&text, "requests_%d_total{method=\"GET\",path=\"/some/path/%d\",status=\"200\"} %d\n", f, i, worker*i)
		}
		fmt.Fprintf(&text, "# HELP depth_%d Depth.\n# TYPE depth_%[1]d gauge\n", f)
		for i := range 15 {
			fmt.Fprintf(&text, "depth_%d{queue=\"q%d\"} %d.5\n", f, i, worker+i)
		}
		fmt.Fprintf(&text, "# HELP took_%d_seconds Time.\n# TYPE took_%[1]d_seconds histogram\n", f)
		for i, le := range [...]string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "+Inf"} {
			fmt.Fprintf(&text, "took_%d_seconds_bucket{path=\"/\",le=\"%s\"} %d\n", f, le, i)
		}
		fmt.Fprintf(&text, "took_%d_seconds_sum{path=\"/\"} 12.5\ntook_%[1]d_seconds_count{path=\"/\"} 12\n", f)
	}
	return text.String()
}

// BenchmarkCollect64Workers: the budget is 30 ms for 32,000 samples.
func BenchmarkCollect64Workers(b *testing.B) {
	var workers []Worker
	for i := range 64 {
		workers = append(workers, says(i, "", exposition(i)))
	}
	for name, config := range map[string]spec.Metrics{"labelled": {}, "aggregated": {Aggregate: true}} {
		b.Run(name, func(b *testing.B) {
			m := New(Options{Reuse: 1})
			b.ReportAllocs()
			for b.Loop() {
				r := m.Collect(b.Context(), []App{app("a", config, workers...)})
				if r.Workers[63].Samples != 500 || r.Dropped != (Dropped{}) {
					b.Fatalf("%+v", r.Workers[63])
				}
			}
		})
	}
}
