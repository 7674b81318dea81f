package merge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gorun/supervisor/spec"
)

// fails is a worker that does not answer.
func fails(instance int, run string) Worker {
	return Worker{Instance: instance, Run: run, Fetch: func(context.Context) (Answer, error) {
		return Answer{}, errors.New("refused")
	}}
}

// counted is a counter's text.
func counted(v any) string { return fmt.Sprintf("# TYPE c counter\nc %v\n", v) }

func buckets(values ...any) string {
	return fmt.Sprintf("# TYPE h histogram\nh_bucket{le=\"%v\"} %v\nh_bucket{le=\"+Inf\"} %v\nh_sum %v\nh_count %[3]v\n", values...)
}

// sums are what the samples of a series add up to, scrape by scrape.
func sums(t *testing.T, config spec.Metrics, scrapes ...[]Worker) (got []string, last Result) {
	t.Helper()
	return sumsOf(t, New(Options{}), config, scrapes...)
}

func sumsOf(t *testing.T, m *Merger, config spec.Metrics, scrapes ...[]Worker) (got []string, last Result) {
	t.Helper()
	config.Aggregate = true
	for _, workers := range scrapes {
		last = scrapeOf(t, m, app("a", config, workers...))
		var samples []string
		for line := range strings.Lines(textOf(t, last.Families)) {
			if !strings.HasPrefix(line, "#") {
				samples = append(samples, strings.TrimSpace(strings.Replace(strings.Replace(line, `{app="a"}`, "", 1), `app="a",`, "", 1)))
			}
		}
		got = append(got, strings.Join(samples, "; "))
	}
	return got, last
}

func TestSumsOfCountersNeverFall(t *testing.T) {
	tests := []struct {
		name    string
		scrapes [][]Worker
		want    []string
	}{
		{"a restart", [][]Worker{
			{says(0, "1", counted(5)), says(1, "1", counted(7))},
			{says(0, "2", counted(1)), says(1, "1", counted(8))},
			{says(0, "2", counted(2)), says(1, "1", counted(8))},
		}, []string{"c 12", "c 14", "c 15"}},
		{"an end and a new start", [][]Worker{
			{says(0, "1", counted(5)), says(1, "1", counted(7))},
			{says(0, "1", counted(6))},
			{},
			{says(0, "2", counted(1)), says(1, "2", counted(1))},
		}, []string{"c 12", "c 13", "c 13", "c 15"}},
		{"a counter that falls within a run", [][]Worker{
			{says(0, "1", counted(5))},
			{says(0, "1", counted(2))},
			{says(0, "1", counted(3))},
		}, []string{"c 5", "c 7", "c 8"}},
		{"no answer", [][]Worker{
			{says(0, "1", counted(5)), says(1, "1", counted(7))},
			{fails(0, "1"), says(1, "1", counted(8))},
			{says(0, "1", counted(6)), fails(1, "1")},
		}, []string{"c 12", "c 13", "c 14"}},
		{"a series that is gone", [][]Worker{
			{says(0, "1", counted(5)+"d 1\n")},
			{says(0, "1", "d 2\n")},
			{says(0, "1", counted(6))},
		}, []string{"c 5; d 1", "c 5; d 2", "c 6"}},
		{"two runs of an instance at a time", [][]Worker{
			{says(0, "1", counted(5))},
			{says(0, "1", counted(6)), says(0, "2", counted(1))},
			{says(0, "2", counted(2))},
		}, []string{"c 5", "c 7", "c 8"}},
		{"what cannot be counted", [][]Worker{
			{says(0, "1", counted(5)), says(1, "1", counted(math.NaN())), says(2, "1", counted(-1)), says(3, "1", counted("+Inf"))},
		}, []string{"c 5"}},
		{"a new type, when no worker has the old one", [][]Worker{
			{says(0, "1", counted(5)), says(1, "1", counted(7))},
			{says(0, "2", "# TYPE c gauge\nc 1\n"), says(1, "1", counted(8))},
			{says(0, "2", "# TYPE c gauge\nc 2\n"), says(1, "2", "# TYPE c gauge\nc 4\n")},
		}, []string{"c 12", "c 13", "c 6"}},
		{"histograms", [][]Worker{
			{says(0, "1", buckets(1, 2, 3, 4.5)), says(1, "1", buckets(1, 1, 1, 0.5))},
			{says(0, "2", buckets(1, 0, 1, 2)), fails(1, "1")},
			{says(0, "2", buckets(1, 1, 1, 1)), fails(1, "1")},
			{says(0, "2", buckets(1, 0, 1, 1)), fails(1, "1")},
		}, []string{
			`h_bucket{le="1"} 3; h_bucket{le="+Inf"} 4; h_sum 5; h_count 4`,
			`h_bucket{le="1"} 3; h_bucket{le="+Inf"} 5; h_sum 7; h_count 5`,
			`h_bucket{le="1"} 4; h_bucket{le="+Inf"} 5; h_sum 6; h_count 5`,
			`h_bucket{le="1"} 4; h_bucket{le="+Inf"} 6; h_sum 7; h_count 6`,
		}},
		{"new bounds, when no worker has the old ones", [][]Worker{
			{says(0, "1", buckets(1, 2, 3, 4)), says(1, "1", buckets(1, 2, 3, 4))},
			{says(0, "2", buckets(5, 1, 1, 1)), fails(1, "1")},
			{says(0, "2", buckets(5, 1, 1, 1)), says(1, "2", buckets(5, 2, 2, 2))},
		}, []string{
			`h_bucket{le="1"} 4; h_bucket{le="+Inf"} 6; h_sum 8; h_count 6`,
			`h_bucket{le="1"} 4; h_bucket{le="+Inf"} 6; h_sum 8; h_count 6`,
			`h_bucket{le="5"} 3; h_bucket{le="+Inf"} 3; h_sum 3; h_count 3`,
		}},
		{"a sum that is no number, until its run ends", [][]Worker{
			{says(0, "1", "# TYPE s summary\ns_sum NaN\ns_count 2\n")},
			{says(0, "2", "# TYPE s summary\ns_sum 1\ns_count 1\n")},
		}, []string{"s_sum NaN; s_count 2", "s_sum 1; s_count 3"}},
		{"summaries", [][]Worker{
			{says(0, "1", "# TYPE s summary\ns{quantile=\"1\"} 3\ns_sum 3\ns_count 2\n"), says(1, "1", "# TYPE s summary\ns_sum 4\ns_count 5\n")},
			{says(0, "2", "# TYPE s summary\ns_sum 1\ns_count 1\n")},
		}, []string{"s_sum 7; s_count 7", "s_sum 8; s_count 8"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, _ := sums(t, spec.Metrics{}, test.scrapes...)
			if len(got) != len(test.want) {
				t.Fatalf("%d scrapes, want %d", len(got), len(test.want))
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Errorf("scrape %d: %s, want %s", i, got[i], test.want[i])
				}
			}
		})
	}
}

// Whatever happens to workers, the sum is what all runs were last seen at.
func TestTheSumIsWhatWasSeenOfEveryRun(t *testing.T) {
	for seed := range uint64(20) {
		random, m := rand.New(rand.NewPCG(seed, 0)), New(Options{})
		var runs, values [4]int
		seen, before := map[[2]int]int{}, 0.0
		for range 50 {
			var workers []Worker
			for i := range runs {
				values[i] += random.IntN(5)
				switch random.IntN(6) {
				case 0:
					runs[i]++
					values[i] = random.IntN(3)
				case 1:
					workers = append(workers, fails(i, fmt.Sprint(runs[i])))
					continue
				}
				seen[[2]int{i, runs[i]}] = values[i]
				workers = append(workers, says(i, fmt.Sprint(runs[i]), counted(values[i])))
			}
			want := 0
			for _, v := range seen {
				want += v
			}
			r := scrapeOf(t, m, app("a", spec.Metrics{Aggregate: true}, workers...))
			if len(seen) == 0 {
				continue
			}
			got := r.Families[0].GetMetric()[0].GetCounter().GetValue()
			if got != float64(want) || got < before {
				t.Fatalf("seed %d: sum %v after %v, want %d", seed, got, before, want)
			}
			before = got
		}
	}
}

func TestWhatIsNotSummedIsCounted(t *testing.T) {
	tests := []struct {
		name    string
		workers []Worker
		want    Dropped
	}{
		{"bounds", []Worker{says(0, "", buckets(1, 1, 1, 1)), says(1, "", buckets(2, 1, 1, 1))}, Dropped{Buckets: 1}},
		{"type", []Worker{says(0, "", counted(1)), says(1, "", "c 1\n")}, Dropped{Conflict: 1}},
		{"NaN", []Worker{says(0, "", counted("NaN"))}, Dropped{Uncountable: 1}},
		{"too many series", []Worker{says(0, "", "a 1\nb 1\n"), says(1, "", "c 1\nd 1\n")}, Dropped{Overflow: 1}},
		{"a name that a sum's sample has", []Worker{says(0, "", buckets(1, 1, 1, 1)), says(1, "", "h_sum 1\n")}, Dropped{Conflict: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := New(Options{})
			if test.want[Overflow] > 0 {
				m = New(Options{MaxWorkerSamples: 3})
			}
			if _, last := sumsOf(t, m, spec.Metrics{}, test.workers); last.Dropped != test.want {
				t.Errorf("dropped %v, want %v", last.Dropped, test.want)
			}
		})
	}
}

func TestGaugesFollowTheirRule(t *testing.T) {
	workers := []Worker{says(2, "", "# TYPE g gauge\ng 6\nu 1\n"), says(0, "", "# TYPE g gauge\ng 3\nu 1\n"), says(1, "", "# TYPE g gauge\ng 0\n"), fails(3, "")}
	tests := []struct {
		name  string
		rules map[string]string
		want  string
	}{
		{"none", nil, "g 9; u 2"},
		{"unknown", map[string]string{"g": "most", "[": "max"}, "g 9; u 2"},
		{"sum", map[string]string{"g": "sum"}, "g 9; u 2"},
		{"min", map[string]string{"g": "min"}, "g 0; u 2"},
		{"max", map[string]string{"*": "max"}, "g 6; u 1"},
		{"average", map[string]string{"g": "avg"}, "g 3; u 2"},
		{"first", map[string]string{"g": "first", "*": "max"}, "g 3; u 1"},
		{"omit", map[string]string{"[g]": "omit", "*": "sum"}, "u 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, _ := sums(t, spec.Metrics{Rules: test.rules}, workers, workers)
			if got[1] != test.want {
				t.Errorf("%s, want %s", got[1], test.want)
			}
		})
	}
}

func TestPromClientsAggregatorsAreHonoured(t *testing.T) {
	body := func(v int) string {
		return fmt.Sprintf(`[{"name":"a","type":"gauge","aggregator":"average","values":[{"value":%d}]},
			{"name":"b","type":"gauge","aggregator":"max","values":[{"value":%[1]d}]},
			{"name":"c","type":"counter","aggregator":"omit","values":[{"value":%[1]d}]},
			{"name":"d","type":"counter","aggregator":"first","values":[{"value":%[1]d}]}]`, v)
	}
	got, _ := sums(t, spec.Metrics{Rules: map[string]string{"b": "sum"}}, []Worker{says(0, "", body(1)), says(1, "", body(3))})
	if want := "a 2; b 4; d 4"; got[0] != want {
		t.Errorf("%s, want %s", got[0], want)
	}
}

func TestForgottenAppsHoldNoMemory(t *testing.T) {
	m := New(Options{})
	scrapeOf(t, m, app("a", spec.Metrics{Aggregate: true}, says(0, "", counted(1))))
	scrapeOf(t, m, app("a", spec.Metrics{}, says(0, "", counted(1))), app("b", spec.Metrics{Aggregate: true}))
	if len(m.accumulators) != 1 || m.accumulators["b"] == nil {
		t.Errorf("accumulators of %d apps, want that of b", len(m.accumulators))
	}
}
