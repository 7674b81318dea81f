package merge

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// own is how gorun's own families begin. No app may use it.
const own = "gorun_"

var (
	errEmpty   = errors.New("no metrics in the answer")
	errSamples = errors.New("more samples than max_samples")
	errNoRoom  = errors.New("more samples than all workers together may have")
)

// builder sorts samples into families, whatever format they came in.
type builder struct {
	families map[string]*family
	roles    map[string]role // by a sample's name
	helps    map[string]string
	samples  int
	limit    int
	dropped  Dropped
	labels   []label // where those of new series are put
	key      []byte  // scratch
}

// role is what samples of one name are.
type role struct {
	family *family // nil: the samples are dropped
	part   part
	cause  Cause
}

type part int

const (
	value part = iota
	bucket
	total // _sum
	count
	ignored // the time of creation
)

// parts are what summaries and histograms have beside the value.
var parts = map[string]part{"_bucket": bucket, "_sum": total, "_count": count}

func newBuilder(limit int) *builder {
	return &builder{families: map[string]*family{}, roles: map[string]role{}, helps: map[string]string{}, limit: limit}
}

// declare makes a family. What is known already under one of its names stays.
func (b *builder) declare(name string, k kind) *family {
	f := &family{name: name, declared: name, kind: k}
	if strings.HasPrefix(name, own) {
		b.refuse(name, Reserved)
		return f
	}
	names := suffixes[types[k]]
	for _, suffix := range names {
		if _, taken := b.roles[name+suffix]; taken {
			b.refuse(name, Conflict)
			return f
		}
	}
	for _, suffix := range names {
		b.roles[name+suffix] = role{family: f, part: parts[suffix]}
	}
	b.families[name] = f
	return f
}

// refuse has the samples of a family dropped that cannot be served.
func (b *builder) refuse(name string, cause Cause) {
	for _, suffix := range [...]string{"", "_sum", "_count", "_bucket", "_gsum", "_gcount"} {
		if _, taken := b.roles[name+suffix]; !taken {
			b.roles[name+suffix] = role{cause: cause}
		}
	}
}

// ignore has samples dropped that nobody misses.
func (b *builder) ignore(name string) {
	if _, taken := b.roles[name]; !taken {
		b.roles[name] = role{part: ignored}
	}
}

// add takes a sample. The labels are the caller's, and may come in any order.
func (b *builder) add(name string, labels []label, v float64) error {
	if b.samples++; b.samples > b.limit {
		return fmt.Errorf("%w: %d", errSamples, b.limit)
	}
	r, known := b.roles[name]
	if !known {
		b.declare(name, untyped)
		r = b.roles[name]
	}
	if r.family == nil {
		if r.part != ignored {
			b.dropped[r.cause]++
		}
		return nil
	}
	at, labels, ok := r.position(labels)
	if !ok || r.mustCount() && !countable(v) {
		b.dropped[Malformed]++
		return nil
	}
	if r.mustCount() {
		v = math.Trunc(v) // fractions cannot be served in OpenMetrics
	}
	if labels, ok = tidy(labels); !ok {
		b.dropped[Malformed]++
		return nil
	}
	b.put(r, labels, point{at, v})
	return nil
}

// mustCount is whether a sample is a number of observations.
func (r role) mustCount() bool { return r.part == bucket || r.part == count }

// countable is whether a value can be a number of observations.
func countable(v float64) bool { return v >= 0 && v < 1<<63 }

// position takes the label out that says which point of a spread this is.
func (r role) position(labels []label) (at float64, rest []label, ok bool) {
	name := ""
	switch {
	case r.part == bucket:
		name = "le"
	case r.part == value && r.family.kind == summary:
		name = "quantile"
	case r.part == value && r.family.kind == histogram:
		return 0, nil, false
	case r.family.kind == histogram && has(labels, "le"), r.family.kind == summary && has(labels, "quantile"):
		return 0, nil, false
	default:
		return 0, labels, true
	}
	i := slices.IndexFunc(labels, func(l label) bool { return l.name == name })
	if i < 0 {
		return 0, nil, false
	}
	at, err := number(labels[i].value)
	return at, slices.Delete(labels, i, i+1), err == nil && !math.IsNaN(at)
}

func has(labels []label, name string) bool {
	return slices.ContainsFunc(labels, func(l label) bool { return l.name == name })
}

// tidy sorts labels and drops the empty ones, which for Prometheus are not
// there. It is not ok if a name is no label's name or is there twice.
func tidy(labels []label) ([]label, bool) {
	slices.SortFunc(labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	for i, l := range labels {
		if !labelName(l.name) || l.name == "__name__" || i > 0 && l.name == labels[i-1].name {
			return nil, false
		}
	}
	return slices.DeleteFunc(labels, func(l label) bool { return l.value == "" }), true
}

// put puts a sample where it belongs. Most often that is beside the last one;
// what is there twice is found when the family is complete.
func (b *builder) put(r role, labels []label, p point) {
	f := r.family
	b.key = appendKey(b.key[:0], labels)
	if f.kind != summary && f.kind != histogram {
		s := b.fresh(labels)
		s.value = p.value
		f.series = append(f.series, s)
		return
	}
	last := len(f.series) - 1
	if last < 0 || f.series[last].key != string(b.key) {
		s := b.fresh(labels)
		s.spread = &spread{}
		f.series = append(f.series, s)
		last++
	}
	if !f.series[last].spread.put(r.part, p) {
		b.dropped[Duplicate]++
	}
}

// fresh is a series of which nothing is known but its labels.
func (b *builder) fresh(labels []label) series {
	if cap(b.labels)-len(b.labels) < len(labels) {
		b.labels = make([]label, 0, max(block, len(labels)))
	}
	from := len(b.labels)
	b.labels = append(b.labels, labels...)
	return series{key: string(b.key), labels: b.labels[from:len(b.labels):len(b.labels)]}
}

// put takes a sample. It is refused if it was there before; twice the same
// point is found later.
func (s *spread) put(p part, at point) bool {
	switch p {
	case value, bucket:
		s.points = append(s.points, at)
	case total:
		if s.had {
			return false
		}
		s.sum, s.had = at.value, true
	case count:
		if s.counted {
			return false
		}
		s.count, s.counted = at.value, true
	case ignored:
	}
	return true
}

// finish returns the families that have series, sorted by name.
func (b *builder) finish() ([]*family, error) {
	families := make([]*family, 0, len(b.families))
	for _, name := range slices.Sorted(maps.Keys(b.families)) {
		f := b.families[name]
		if len(f.series) == 0 {
			continue
		}
		f.help = b.helps[f.declared]
		if f.kind == gauge && f.rule == "" && b.birth(name) {
			f.rule = Min
		}
		b.dropped[Duplicate] += f.complete()
		families = append(families, f)
	}
	if len(families) == 0 && b.dropped[Malformed] > 0 {
		return nil, errEmpty
	}
	return families, nil
}

// birth is whether a gauge tells since when another family has counted, as
// Python's client does in the text format. Such times are not to be summed.
func (b *builder) birth(name string) bool {
	base, created := strings.CutSuffix(name, "_created")
	if !created {
		return false
	}
	for _, of := range [...]string{base, base + "_total"} {
		if f := b.families[of]; f != nil && counts(f.kind) {
			return true
		}
	}
	return false
}
