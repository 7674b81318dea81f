package merge

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"mime"
	"slices"
	"strings"
)

// reservedPrefix is how gorun's own families begin. No app may use it.
const reservedPrefix = "gorun_"

var (
	errEmpty   = errors.New("no metrics in the answer")
	errSamples = errors.New("more samples")
	errQuota   = errors.New("more samples than all workers together may have")
)

// builder builds families of one worker's samples, whatever their format.
type builder struct {
	families map[string]*family
	roles    map[string]role // by the name of the samples
	helps    map[string]string
	samples  int
	limit    int
	dropped  Dropped
	labels   []label // memory for the labels of new series
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
	ignored // _created
)

// parts has the samples of summaries and histograms by their suffixes.
var parts = map[string]part{"_bucket": bucket, "_sum": total, "_count": count}

func newBuilder(limit int) *builder {
	return &builder{families: map[string]*family{}, roles: map[string]role{}, helps: map[string]string{}, limit: limit}
}

// parse adds the samples of an answer, in the format that it says it has.
func (b *builder) parse(a Answer) error {
	media, _, err := mime.ParseMediaType(a.ContentType)
	if err != nil {
		media = "" // as bad as none: text
	}
	switch media {
	case "application/json":
		return parsePromClient(a.Body, b)
	case "application/openmetrics-text":
		return parseText(a.Body, openMetrics, b)
	case "", "text/plain":
		return parseText(a.Body, plain, b)
	}
	return fmt.Errorf("content type %s is not a format of metrics", media)
}

// declare makes a family. If a sample of another family has one of its names, its
// own samples are dropped.
func (b *builder) declare(name string, k kind) *family {
	f := &family{name: name, declared: name, kind: k}
	if strings.HasPrefix(name, reservedPrefix) {
		b.drop(name, Reserved)
		return f
	}
	names := suffixes[types[k]]
	for _, suffix := range names {
		if _, taken := b.roles[name+suffix]; taken {
			b.drop(name, Conflict)
			return f
		}
	}
	for _, suffix := range names {
		b.roles[name+suffix] = role{family: f, part: parts[suffix]}
	}
	b.families[name] = f
	return f
}

// drop has the samples of a family dropped and counted by cause.
func (b *builder) drop(name string, cause Cause) {
	for _, suffix := range [...]string{"", "_sum", "_count", "_bucket", "_gsum", "_gcount"} {
		if _, taken := b.roles[name+suffix]; !taken {
			b.roles[name+suffix] = role{cause: cause}
		}
	}
}

// ignore has samples dropped without counting them.
func (b *builder) ignore(name string) {
	if _, taken := b.roles[name]; !taken {
		b.roles[name] = role{part: ignored}
	}
}

// add adds a sample. The labels may come in any order; they are copied.
func (b *builder) add(name string, labels []label, v float64) error {
	if b.samples++; b.samples > b.limit {
		return fmt.Errorf("%w than %d", errSamples, b.limit)
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
	at, labels, ok := r.cutBound(labels)
	if !ok || r.isCount() && !countable(v) {
		b.dropped[Malformed]++
		return nil
	}
	if r.isCount() {
		v = math.Trunc(v) // fractions cannot be served in OpenMetrics
	}
	if labels, ok = normalize(labels); !ok {
		b.dropped[Malformed]++
		return nil
	}
	b.store(r, labels, point{at, v})
	return nil
}

// isCount is whether a sample is a number of observations.
func (r role) isCount() bool { return r.part == bucket || r.part == count }

// countable is whether a value can be a number of observations.
func countable(v float64) bool { return v >= 0 && v < 1<<63 }

// cutBound takes out the label that names the bucket or the quantile.
func (r role) cutBound(labels []label) (at float64, rest []label, ok bool) {
	name := ""
	switch {
	case r.part == bucket:
		name = "le"
	case r.part == value && r.family.kind == summary:
		name = "quantile"
	case r.part == value && r.family.kind == histogram:
		return 0, nil, false
	case r.family.kind == histogram && hasLabel(labels, "le"), r.family.kind == summary && hasLabel(labels, "quantile"):
		return 0, nil, false
	default:
		return 0, labels, true
	}
	i := slices.IndexFunc(labels, func(l label) bool { return l.name == name })
	if i < 0 {
		return 0, nil, false
	}
	at, err := parseNumber(labels[i].value)
	return at, slices.Delete(labels, i, i+1), err == nil && !math.IsNaN(at)
}

func hasLabel(labels []label, name string) bool {
	return slices.ContainsFunc(labels, func(l label) bool { return l.name == name })
}

// normalize sorts labels and drops the empty ones, which for Prometheus are not
// there. It is not ok if a name is not valid or is there twice.
func normalize(labels []label) ([]label, bool) {
	slices.SortFunc(labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	for i, l := range labels {
		if !isLabelName(l.name) || l.name == "__name__" || i > 0 && l.name == labels[i-1].name {
			return nil, false
		}
	}
	return slices.DeleteFunc(labels, func(l label) bool { return l.value == "" }), true
}

// store puts a sample into its series. Most often that is the series of the sample
// before; duplicates are found when the family is complete.
func (b *builder) store(r role, labels []label, p point) {
	f := r.family
	b.key = appendKey(b.key[:0], labels)
	if f.kind != summary && f.kind != histogram {
		s := b.newSeries(labels)
		s.value = p.value
		f.series = append(f.series, s)
		return
	}
	last := len(f.series) - 1
	if last < 0 || f.series[last].key != string(b.key) {
		s := b.newSeries(labels)
		s.distribution = &distribution{}
		f.series = append(f.series, s)
		last++
	}
	if !f.series[last].distribution.set(r.part, p) {
		b.dropped[Duplicate]++
	}
}

// newSeries makes a series without a value.
func (b *builder) newSeries(labels []label) series {
	if cap(b.labels)-len(b.labels) < len(labels) {
		b.labels = make([]label, 0, max(block, len(labels)))
	}
	from := len(b.labels)
	b.labels = append(b.labels, labels...)
	return series{key: string(b.key), labels: b.labels[from:len(b.labels):len(b.labels)]}
}

// set sets a part of the distribution. It is not ok if it was set before;
// duplicate points are found later.
func (d *distribution) set(p part, at point) bool {
	switch p {
	case value, bucket:
		d.points = append(d.points, at)
	case total:
		if d.hasSum {
			return false
		}
		d.sum, d.hasSum = at.value, true
	case count:
		if d.hasCount {
			return false
		}
		d.count, d.hasCount = at.value, true
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
		if f.kind == gauge && f.rule == "" && b.isCreated(name) {
			f.rule = ruleMin
		}
		b.dropped[Duplicate] += f.complete()
		families = append(families, f)
	}
	if len(families) == 0 && b.dropped[Malformed] > 0 {
		return nil, errEmpty
	}
	return families, nil
}

// isCreated is whether a gauge holds the time since when another family has
// counted, as Python's client writes it in the text format. Such times are not to
// be summed.
func (b *builder) isCreated(name string) bool {
	base, created := strings.CutSuffix(name, "_created")
	if !created {
		return false
	}
	for _, of := range [...]string{base, base + "_total"} {
		if f := b.families[of]; f != nil && isCumulative(f.kind) {
			return true
		}
	}
	return false
}
