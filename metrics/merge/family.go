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

// kinds has the types by the formats' names. OpenMetrics' info and stateset
// are gauges in the text format; its unknown is untyped.
var kinds = map[string]kind{
	"counter": counter, "gauge": gauge, "untyped": untyped, "unknown": untyped, "summary": summary, "histogram": histogram,
}

// types has the types as gorun serves them.
var types = [...]dto.MetricType{
	counter: dto.MetricType_COUNTER, gauge: dto.MetricType_GAUGE, untyped: dto.MetricType_UNTYPED,
	summary: dto.MetricType_SUMMARY, histogram: dto.MetricType_HISTOGRAM,
}

// suffixes has what a family's samples are named, after the family's name.
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
	rule       Rule // that the app itself asks for
	series     []series
}

// series has its labels sorted by name, none of them empty, none twice.
type series struct {
	key    string // the labels: the same key, the same series
	labels []label
	value  float64
	spread *spread // of summaries and histograms, in place of the value
}

type label struct{ name, value string }

// spread is what a summary or a histogram tells.
type spread struct {
	count, sum   float64
	counted, had bool    // count and sum were there
	points       []point // quantiles or cumulative buckets
}

type point struct{ at, value float64 }

// appendKey appends what tells one set of sorted labels from others. Labels
// are UTF-8, in which 0xff does not occur.
func appendKey(key []byte, labels []label) []byte {
	for _, l := range labels {
		key = append(key, l.name...)
		key = append(key, 0xff)
		key = append(key, l.value...)
		key = append(key, 0xff)
	}
	return key
}

// complete brings a family into the order in which it is served, makes one
// series of those with the same labels, and returns what was there twice.
func (f *family) complete() (twice int) {
	slices.SortStableFunc(f.series, func(a, b series) int { return strings.Compare(a.key, b.key) })
	kept := f.series[:0]
	for _, s := range f.series {
		last := len(kept) - 1
		switch {
		case last < 0 || kept[last].key != s.key:
			kept = append(kept, s)
		case s.spread == nil:
			twice++
		default:
			twice += kept[last].spread.join(s.spread)
		}
	}
	f.series = kept
	for i := range f.series {
		if s := f.series[i].spread; s != nil {
			twice += s.complete(f.kind)
		}
	}
	return twice
}

// join takes what another knows, and returns what both do.
func (s *spread) join(other *spread) (twice int) {
	s.points = append(s.points, other.points...)
	if other.counted && !s.put(count, point{value: other.count}) {
		twice++
	}
	if other.had && !s.put(total, point{value: other.sum}) {
		twice++
	}
	return twice
}

// complete sorts the points, returns how many were there twice, and gives a
// histogram the bucket and the count that every histogram has.
func (s *spread) complete(k kind) (twice int) {
	slices.SortStableFunc(s.points, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	before := len(s.points)
	s.points = slices.CompactFunc(s.points, func(a, b point) bool { return a.at == b.at })
	twice = before - len(s.points)
	if k != histogram {
		return twice
	}
	last := len(s.points) - 1
	if !s.counted && last >= 0 {
		s.count = s.points[last].value
	}
	if last < 0 || !math.IsInf(s.points[last].at, 1) {
		s.points = append(s.points, point{math.Inf(1), s.count})
	}
	return twice
}
