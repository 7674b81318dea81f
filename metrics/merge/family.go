package merge

import (
	"cmp"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// kind is a family's type.
type kind int

const (
	counter kind = iota
	gauge
	untyped
	summary
	histogram
)

// kinds has the types by their names in the formats. OpenMetrics' info and stateset
// are gauges in the text format; its unknown is untyped.
var kinds = map[string]kind{
	"counter": counter, "gauge": gauge, "untyped": untyped, "unknown": untyped, "summary": summary, "histogram": histogram,
}

// types has the types as gorun serves them.
var types = [...]dto.MetricType{
	counter: dto.MetricType_COUNTER, gauge: dto.MetricType_GAUGE, untyped: dto.MetricType_UNTYPED,
	summary: dto.MetricType_SUMMARY, histogram: dto.MetricType_HISTOGRAM,
}

// suffixes has how the names of a family's samples go on after the family's name.
var suffixes = map[dto.MetricType][]string{
	dto.MetricType_COUNTER:         {""},
	dto.MetricType_GAUGE:           {""},
	dto.MetricType_UNTYPED:         {""},
	dto.MetricType_SUMMARY:         {"", "_sum", "_count"},
	dto.MetricType_HISTOGRAM:       {"", "_sum", "_count", "_bucket"},
	dto.MetricType_GAUGE_HISTOGRAM: {"", "_sum", "_count", "_bucket"},
}

// family is one metric of one worker.
type family struct {
	name, help string
	declared   string // the name that HELP has
	kind       kind
	rule       rule // that the app itself asks for
	series     []series
}

// series has its labels sorted by name, none of them empty, none twice.
type series struct {
	key          string // the labels: the same key, the same series
	labels       []label
	value        float64
	distribution *distribution // of summaries and histograms, in place of the value
}

// isCumulative is whether a type only grows.
func isCumulative(k kind) bool { return k == counter || k == summary || k == histogram }

type label struct{ name, value string }

// distribution is what a summary or a histogram has observed.
type distribution struct {
	count, sum       float64
	hasCount, hasSum bool    // whether they were in the answer
	points           []point // quantiles or cumulative buckets
}

type point struct{ at, value float64 }

// appendKey appends a key that only this set of sorted labels has. Labels are
// UTF-8, in which 0xff does not occur.
func appendKey(key []byte, labels []label) []byte {
	for _, l := range labels {
		key = append(key, l.name...)
		key = append(key, 0xff)
		key = append(key, l.value...)
		key = append(key, 0xff)
	}
	return key
}

// complete sorts a family's series, makes one of those with the same labels, and
// returns how many samples were duplicates.
func (f *family) complete() (duplicates int) {
	slices.SortStableFunc(f.series, func(a, b series) int { return strings.Compare(a.key, b.key) })
	kept := f.series[:0]
	for _, s := range f.series {
		last := len(kept) - 1
		switch {
		case last < 0 || kept[last].key != s.key:
			kept = append(kept, s)
		case s.distribution == nil:
			duplicates++
		default:
			duplicates += kept[last].distribution.merge(s.distribution)
		}
	}
	f.series = kept
	for i := range f.series {
		if d := f.series[i].distribution; d != nil {
			duplicates += d.complete(f.kind)
		}
	}
	return duplicates
}

// merge adds the parts of another, and returns how many were set in both.
func (d *distribution) merge(other *distribution) (duplicates int) {
	d.points = append(d.points, other.points...)
	if other.hasCount && !d.set(count, point{value: other.count}) {
		duplicates++
	}
	if other.hasSum && !d.set(total, point{value: other.sum}) {
		duplicates++
	}
	return duplicates
}

// complete sorts the points, returns how many were duplicates, and gives a
// histogram the bucket and the count that every histogram has.
func (d *distribution) complete(k kind) (duplicates int) {
	slices.SortStableFunc(d.points, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	before := len(d.points)
	d.points = slices.CompactFunc(d.points, func(a, b point) bool { return a.at == b.at })
	duplicates = before - len(d.points)
	if k != histogram {
		return duplicates
	}
	last := len(d.points) - 1
	if !d.hasCount && last >= 0 {
		d.count = d.points[last].value
	}
	if last < 0 || !math.IsInf(d.points[last].at, 1) {
		d.points = append(d.points, point{math.Inf(1), d.count})
	}
	return duplicates
}
