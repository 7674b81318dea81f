package merge

import (
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// emitter makes of series the metrics that gorun serves. It allocates in blocks,
// and the metrics point into the series.
type emitter struct {
	added []*dto.LabelPair // to each series
	pairs []dto.LabelPair
	lists []*dto.LabelPair
}

// block is how many labels are allocated at a time.
const block = 1024

// newEmitter adds these labels to each series.
func newEmitter(added ...label) *emitter {
	e := &emitter{}
	for _, l := range added {
		e.added = append(e.added, &dto.LabelPair{Name: &l.name, Value: &l.value})
	}
	return e
}

// metrics makes a family's samples.
func (e *emitter) metrics(f *family) []*dto.Metric {
	all := newMetrics(f)
	for i, metric := range all {
		metric.Label = e.labels(f.series[i].labels)
		if d := f.series[i].distribution; d != nil && f.kind == summary {
			metric.Summary = d.summary()
		} else if d != nil {
			metric.Histogram = d.histogram()
		}
	}
	return all
}

// newMetrics makes the metrics of a family. Those of summaries and histograms are
// empty.
func newMetrics(f *family) []*dto.Metric {
	n := len(f.series)
	metrics, out := make([]dto.Metric, n), make([]*dto.Metric, n)
	counters, gauges, others := []dto.Counter(nil), []dto.Gauge(nil), []dto.Untyped(nil)
	switch f.kind {
	case counter:
		counters = make([]dto.Counter, n)
	case gauge:
		gauges = make([]dto.Gauge, n)
	case untyped:
		others = make([]dto.Untyped, n)
	case summary, histogram:
	}
	for i := range metrics {
		m, v := &metrics[i], &f.series[i].value
		out[i] = m
		switch f.kind {
		case counter:
			counters[i].Value, m.Counter = v, &counters[i]
		case gauge:
			gauges[i].Value, m.Gauge = v, &gauges[i]
		case untyped:
			others[i].Value, m.Untyped = v, &others[i]
		case summary, histogram:
		}
	}
	return out
}

// labels joins a series' labels with the added ones, sorted.
func (e *emitter) labels(own []label) []*dto.LabelPair {
	n := len(own) + len(e.added)
	if cap(e.lists)-len(e.lists) < n {
		e.lists = make([]*dto.LabelPair, 0, max(block, n))
	}
	if len(e.pairs) < len(own) {
		e.pairs = make([]dto.LabelPair, max(block, n))
	}
	from := len(e.lists)
	e.lists = append(e.lists, e.added...)
	for i := range own {
		pair := &e.pairs[0]
		e.pairs = e.pairs[1:]
		pair.Name, pair.Value = e.name(own, i), &own[i].value
		e.lists = append(e.lists, pair)
	}
	list := e.lists[from:len(e.lists):len(e.lists)]
	slices.SortFunc(list, func(a, b *dto.LabelPair) int { return strings.Compare(*a.Name, *b.Name) })
	return list
}

// name is a label's name, with exported_ before it if an added one has that name.
func (e *emitter) name(own []label, i int) *string {
	if !e.adds(own[i].name) {
		return &own[i].name
	}
	name := own[i].name
	for hasLabel(own, name) || e.adds(name) {
		name = "exported_" + name
	}
	return &name
}

func (e *emitter) adds(name string) bool {
	return slices.ContainsFunc(e.added, func(l *dto.LabelPair) bool { return *l.Name == name })
}

// summary makes a summary with all quantiles.
func (d *distribution) summary() *dto.Summary {
	out := &dto.Summary{SampleCount: new(observations(d.count)), SampleSum: &d.sum}
	for i := range d.points {
		out.Quantile = append(out.Quantile, &dto.Quantile{Quantile: &d.points[i].at, Value: &d.points[i].value})
	}
	return out
}

// histogram makes a histogram whose counts are integers: OpenMetrics has no others.
func (d *distribution) histogram() *dto.Histogram {
	n := len(d.points)
	buckets, counts, list := make([]dto.Bucket, n), make([]uint64, n), make([]*dto.Bucket, n)
	for i := range d.points {
		counts[i], list[i] = observations(d.points[i].value), &buckets[i]
		buckets[i].UpperBound, buckets[i].CumulativeCount = &d.points[i].at, &counts[i]
	}
	return &dto.Histogram{SampleCount: new(observations(d.count)), SampleSum: &d.sum, Bucket: list}
}

// observations is a count, which is countable but for a sum that overflowed.
func observations(v float64) uint64 {
	if !countable(v) {
		return 1 << 63
	}
	return uint64(v)
}
