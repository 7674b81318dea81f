package metrics

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gorun/supervisor/status"
)

// family is a row of a table: one metric of each T.
type family[T any] struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string // beside those that every T has
	collect    func(T, emitter)
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

// describeTo lists the families for a registry.
func describeTo[T any](families []described[T], to chan<- *prometheus.Desc) {
	for i := range families {
		to <- families[i].desc
	}
}

// collect emits all families of one T.
func collect[T any](families []described[T], of T, to chan<- prometheus.Metric, labels ...string) {
	for i := range families {
		f := &families[i]
		f.collect(of, emitter{to: to, desc: f.desc, kind: f.kind, labels: labels})
	}
}

// emitter emits the metrics of one family for one T. The labels that its methods
// take are the values of the family's own.
type emitter struct {
	to     chan<- prometheus.Metric
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels []string // values, of those that every T has
}

func (e emitter) value(value float64, labels ...string) {
	for i, label := range labels {
		labels[i] = valid(label)
	}
	metric, err := prometheus.NewConstMetric(e.desc, e.kind, value, slices.Concat(e.labels, labels)...)
	e.emit(metric, err)
}

// positive emits the value if there is one.
func (e emitter) positive(value float64) {
	if value > 0 {
		e.value(value)
	}
}

// timestamp emits the time if there is one.
func (e emitter) timestamp(at time.Time) {
	if !at.IsZero() {
		e.value(float64(at.UnixMilli()) / 1e3)
	}
}

func (e emitter) boolean(yes bool, labels ...string) { //nolint:revive // the bool is the value, not a choice
	if yes {
		e.value(1, labels...)
	} else {
		e.value(0, labels...)
	}
}

func (e emitter) durations(h status.Histogram) {
	e.histogram(h.Count, h.Sum, cumulative(status.DurationBuckets[:], h.Buckets[:]))
}

func (e emitter) histogram(count uint64, sum float64, buckets map[float64]uint64, labels ...string) {
	metric, err := prometheus.NewConstHistogram(e.desc, count, sum, buckets, slices.Concat(e.labels, labels)...)
	e.emit(metric, err)
}

func (e emitter) summary(count uint64, sum float64, quantiles map[float64]float64) {
	metric, err := prometheus.NewConstSummary(e.desc, count, sum, quantiles, e.labels...)
	e.emit(metric, err)
}

// emit passes the metric on. One that cannot be made is reported by the registry.
func (e emitter) emit(metric prometheus.Metric, err error) {
	if err != nil {
		metric = prometheus.NewInvalidMetric(e.desc, err)
	}
	e.to <- metric
}

// cumulative has the counts of a histogram by their upper bounds.
func cumulative(bounds []float64, counts []uint64) map[float64]uint64 {
	buckets := make(map[float64]uint64, len(bounds))
	for i, bound := range bounds {
		buckets[bound] = counts[i]
	}
	return buckets
}

// appLabels gives every app a name that Prometheus accepts and no other app has.
func appLabels(apps []status.App) []string {
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

// valid is the text with what is not UTF-8 replaced: Prometheus accepts only UTF-8.
func valid(text string) string {
	return strings.ToValidUTF8(text, "\uFFFD")
}
