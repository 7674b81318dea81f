package metrics

import (
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"gorun/supervisor/status"
)

// family is a row of the tables: one metric of each T.
type family[T any] struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string // beside those that every T has
	collect    func(T, sink)
}

// described is a family with its labels complete.
type described[T any] struct {
	family[T]
	desc *prometheus.Desc
}

// describe completes a table by the labels that every T has.
func describe[T any](table []family[T], labels ...string) []described[T] {
	all := make([]described[T], 0, len(table))
	for _, f := range table {
		all = append(all, described[T]{f, prometheus.NewDesc(f.name, f.help, slices.Concat(labels, f.labels), nil)})
	}
	return all
}

// sink takes the samples of one family for one T.
type sink struct {
	to     chan<- prometheus.Metric
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels []string // values, of those that every T has
}

// put passes one sample on. The labels are the values of the family's own.
func (s sink) put(value float64, labels ...string) {
	for i, label := range labels {
		labels[i] = valid(label)
	}
	metric, err := prometheus.NewConstMetric(s.desc, s.kind, value, slices.Concat(s.labels, labels)...)
	if err != nil {
		metric = prometheus.NewInvalidMetric(s.desc, err)
	}
	s.to <- metric
}

// histogram passes a histogram on. The labels are the values of the family's own.
func (s sink) histogram(count uint64, sum float64, buckets map[float64]uint64, labels ...string) {
	metric, err := prometheus.NewConstHistogram(s.desc, count, sum, buckets, slices.Concat(s.labels, labels)...)
	if err != nil {
		metric = prometheus.NewInvalidMetric(s.desc, err)
	}
	s.to <- metric
}

// summary passes a summary on. The labels are the values of the family's own.
func (s sink) summary(count uint64, sum float64, quantiles map[float64]float64, labels ...string) {
	metric, err := prometheus.NewConstSummary(s.desc, count, sum, quantiles, slices.Concat(s.labels, labels)...)
	if err != nil {
		metric = prometheus.NewInvalidMetric(s.desc, err)
	}
	s.to <- metric
}

// collector turns one Sample into metrics, at each scrape.
type collector struct {
	options Options
	whole   []described[whole]
	apps    []described[*status.App]
	workers []described[worker]
}

func newCollector(o Options) *collector {
	return &collector{
		options: o,
		whole:   describe(wholeFamilies[:]),
		apps:    describe(appFamilies[:], "app"),
		workers: describe(slices.Concat(workerFamilies[:], nodeFamilies[:]), "app", "worker"),
	}
}

// Describe lists every family.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, f := range c.whole {
		to <- f.desc
	}
	for _, f := range c.apps {
		to <- f.desc
	}
	for _, f := range c.workers {
		to <- f.desc
	}
}

// Collect takes one Sample and sorts its figures into the families.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	snapshot := c.options.Source.Sample()
	all := whole{Snapshot: &snapshot, options: &c.options}
	if c.options.Live != nil {
		all.live, all.ready = c.options.Live()
	}
	collect(c.whole, all, to)
	names := labels(snapshot.Apps)
	for i := range snapshot.Apps {
		app := &snapshot.Apps[i]
		collect(c.apps, app, to, names[i])
		for j := range app.Workers {
			w := worker{app, &app.Workers[j]}
			collect(c.workers, w, to, names[i], strconv.Itoa(w.Instance))
		}
	}
}

// collect passes all families of one T on.
func collect[T any](families []described[T], of T, to chan<- prometheus.Metric, labels ...string) {
	for i := range families {
		f := &families[i]
		f.collect(of, sink{to: to, desc: f.desc, kind: f.kind, labels: labels})
	}
}

// labels gives every app a name that Prometheus takes and no other app has.
func labels(apps []status.App) []string {
	names := make([]string, len(apps))
	taken := make(map[string]bool, len(apps))
	for i := range apps {
		base := valid(apps[i].Name)
		name := base
		for n := 2; taken[name]; n++ {
			name = base + "~" + strconv.Itoa(n)
		}
		taken[name], names[i] = true, name
	}
	return names
}

// valid is the text as far as it is UTF-8: Prometheus takes nothing else.
func valid(text string) string {
	return strings.ToValidUTF8(text, "\uFFFD")
}
