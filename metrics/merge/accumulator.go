package merge

import (
	"maps"
	"math"
	"slices"
	"strings"

	"gorun/supervisor/spec"
)

// accumulator adds up what an app's workers count: those that run, and those
// that have ended. So the sums never fall.
type accumulator struct {
	config   spec.Metrics
	limit    int                   // of series
	families map[string]*familySum // by name
	runs     map[runID]*run
	size     int // series in all families
}

func newAccumulator(limit int) *accumulator {
	return &accumulator{limit: limit, families: map[string]*familySum{}, runs: map[runID]*run{}}
}

type runID struct {
	instance int
	run      string
}

// run is what one run of a worker had counted when it was last scraped.
type run struct{ last map[*seriesSum]sample }

// familySum is one family. Of gauges it only holds those of this scrape.
type familySum struct {
	kind   kind
	help   string
	asked  rule // by the app
	rule   rule
	series map[string]*seriesSum
	runs   int // last samples of runs that are in its series
}

// seriesSum is one series of the sum.
type seriesSum struct {
	family *familySum
	key    string
	labels []label
	bounds []point // of a histogram: those of each sample in it
	ended  sample  // what ended runs have counted
	now    sample  // what is served
	runs   int     // runs whose last sample is in it
	gauges int     // gauges that are in it
}

// sample is a counter's value, or what a summary or a histogram has counted.
type sample struct {
	n, sum  float64
	buckets []float64
}

// sampleOf leaves quantiles out: they cannot be added up.
func sampleOf(k kind, s *series) sample {
	if s.distribution == nil {
		return sample{n: s.value}
	}
	counted := sample{n: s.distribution.count, sum: s.distribution.sum}
	if k == summary {
		return counted
	}
	for _, p := range s.distribution.points {
		counted.buckets = append(counted.buckets, p.value)
	}
	return counted
}

// add adds a sample of the same bounds.
func (s *sample) add(other sample) {
	s.n += other.n
	s.sum += other.sum
	if s.buckets == nil {
		s.buckets = slices.Clone(other.buckets)
		return
	}
	for i, n := range other.buckets {
		s.buckets[i] += n
	}
}

// finite is the sample without a sum that would spoil all later ones.
func (s sample) finite() sample {
	if math.IsNaN(s.sum) || math.IsInf(s.sum, 0) {
		s.sum = 0
	}
	return s
}

// resetSince is whether the worker's counters began again at zero.
func (s sample) resetSince(before sample) bool {
	if s.n < before.n {
		return true
	}
	for i, n := range before.buckets {
		if s.buckets[i] < n {
			return true
		}
	}
	return false
}

// fold adds what runs that have ended had counted to the sums for good, and
// forgets gauges.
func (a *accumulator) fold(present map[runID]bool) {
	for name, f := range a.families {
		if !isCumulative(f.kind) {
			a.size -= len(f.series)
			delete(a.families, name)
		}
		f.rule = ruleFor(a.config, name, f.asked) // a reload may have changed it
	}
	for id, r := range a.runs {
		if present[id] {
			continue
		}
		for series, last := range r.last {
			series.ended.add(last.finite())
			series.runs--
			series.family.runs--
		}
		delete(a.runs, id)
	}
}

// add adds a family of one worker.
func (a *accumulator) add(id runID, f *family, dropped *Dropped) {
	sum := a.families[f.name]
	switch {
	case sum == nil:
		sum = a.newFamily(f)
	case sum.kind != f.kind && (sum.runs > 0 || !isCumulative(sum.kind)):
		dropped[Conflict] += len(f.series)
		return
	case sum.kind != f.kind: // the workers that had the old type have ended
		a.size -= len(sum.series)
		sum = a.newFamily(f)
	}
	if sum.help == "" {
		sum.help = strings.Clone(f.help)
	}
	if sum.rule == ruleOmit {
		return
	}
	for i := range f.series {
		if cause, ok := a.addSeries(id, sum, &f.series[i]); !ok {
			dropped[cause]++
		}
	}
}

// newFamily makes an empty sum. Neither it nor its series hold on to the
// worker's answer: hence each text is cloned.
func (a *accumulator) newFamily(f *family) *familySum {
	sum := &familySum{kind: f.kind, asked: f.rule, rule: ruleFor(a.config, f.name, f.rule), series: map[string]*seriesSum{}}
	a.families[strings.Clone(f.name)] = sum
	return sum
}

// addSeries adds one series of one worker; if it cannot, the cause says why.
func (a *accumulator) addSeries(id runID, f *familySum, s *series) (Cause, bool) {
	counted := sampleOf(f.kind, s)
	if isCumulative(f.kind) && !countable(counted.n) {
		return Uncountable, false
	}
	sum := f.series[s.key]
	if sum == nil {
		if a.size >= a.limit {
			return Overflow, false
		}
		sum = f.newSeries(s)
		a.size++
	}
	if !isCumulative(f.kind) {
		f.rule.combine(sum, counted.n)
		return 0, true
	}
	if f.kind == histogram && !sum.hasBounds(s.distribution.points) {
		return Buckets, false
	}
	a.record(id, sum, counted)
	return 0, true
}

func (f *familySum) newSeries(s *series) *seriesSum {
	sum := &seriesSum{family: f, key: strings.Clone(s.key)}
	for _, l := range s.labels {
		sum.labels = append(sum.labels, label{strings.Clone(l.name), strings.Clone(l.value)})
	}
	f.series[sum.key] = sum
	return sum
}

// hasBounds is whether a histogram has the bounds of the sum. When no worker has
// those any more, the sum begins anew with the histogram's.
func (s *seriesSum) hasBounds(bounds []point) bool {
	if slices.EqualFunc(s.bounds, bounds, func(a, b point) bool { return a.at == b.at }) {
		return true
	}
	if s.runs > 0 {
		return false
	}
	s.bounds, s.ended = slices.Clone(bounds), sample{}
	return true
}

// record remembers a run's sample. One whose counters were reset goes on top of
// what it had counted before.
func (a *accumulator) record(id runID, s *seriesSum, counted sample) {
	r := a.runs[id]
	if r == nil {
		r = &run{last: map[*seriesSum]sample{}}
		a.runs[runID{id.instance, strings.Clone(id.run)}] = r
	}
	before, known := r.last[s]
	if !known {
		s.runs++
		s.family.runs++
	} else if counted.resetSince(before) {
		s.ended.add(before.finite())
	}
	r.last[s] = counted
}

// sums returns all sums as families, sorted by name.
func (a *accumulator) sums() []*family {
	a.sumUp()
	families := make([]*family, 0, len(a.families))
	for _, name := range slices.Sorted(maps.Keys(a.families)) {
		sum := a.families[name]
		if len(sum.series) == 0 || sum.rule == ruleOmit {
			continue
		}
		f := &family{name: name, help: sum.help, kind: sum.kind}
		for _, key := range slices.Sorted(maps.Keys(sum.series)) {
			f.series = append(f.series, sum.series[key].toSeries())
		}
		families = append(families, f)
	}
	return families
}

// sumUp adds up what was counted: by the runs that have ended, and by each that
// goes on.
func (a *accumulator) sumUp() {
	for _, f := range a.families {
		if !isCumulative(f.kind) {
			continue
		}
		for _, s := range f.series {
			s.now = sample{}
			s.now.add(s.ended)
		}
	}
	for _, r := range a.runs {
		for s, last := range r.last {
			s.now.add(last)
		}
	}
}

// toSeries is the sum as it is served.
func (s *seriesSum) toSeries() series {
	out := series{key: s.key, labels: s.labels, value: s.now.n}
	if s.family.rule == ruleAverage && !isCumulative(s.family.kind) {
		out.value /= float64(s.gauges)
	}
	if s.family.kind != summary && s.family.kind != histogram {
		return out
	}
	out.distribution = &distribution{count: s.now.n, sum: s.now.sum}
	for i, n := range s.now.buckets {
		out.distribution.points = append(out.distribution.points, point{s.bounds[i].at, n})
	}
	return out
}
