package merge

import (
	"math"
	"slices"
)

// ledger holds what an app's workers have counted: those that run, and in the
// base those that have ended. So the sums never fall.
type ledger struct {
	config   Config
	accounts map[string]*account // by family
	runs     map[runID]*run
	size     int // series in all accounts
}

type runID struct {
	instance int
	run      string
}

// run is what one run of a worker had counted when it was last asked.
type run struct{ last map[*entry]tally }

// account is one family. Of gauges it only holds this scrape's.
type account struct {
	kind    kind
	help    string
	asked   Rule // by the app
	rule    Rule
	entries map[string]*entry
	holders int // runs' last tallies in it
}

// entry is one series of the sum.
type entry struct {
	account *account
	key     string
	labels  []label
	bounds  []point // of a histogram: those of every tally in it
	base    tally
	now     tally
	holders int
	n       int // gauges that are in it
}

// tally is a counter's value, or what a summary or a histogram has counted.
type tally struct {
	n, sum  float64
	buckets []float64
}

// take makes a tally of a series. Quantiles cannot be added up.
func take(k kind, s *series) tally {
	if s.spread == nil {
		return tally{n: s.value}
	}
	t := tally{n: s.spread.count, sum: s.spread.sum}
	if k == summary {
		return t
	}
	for _, p := range s.spread.points {
		t.buckets = append(t.buckets, p.value)
	}
	return t
}

// add adds a tally of the same bounds.
func (t *tally) add(other tally) {
	t.n += other.n
	t.sum += other.sum
	if t.buckets == nil {
		t.buckets = slices.Clone(other.buckets)
		return
	}
	for i, n := range other.buckets {
		t.buckets[i] += n
	}
}

// finite is the tally without a sum that would spoil all later ones.
func (t tally) finite() tally {
	if math.IsNaN(t.sum) || math.IsInf(t.sum, 0) {
		t.sum = 0
	}
	return t
}

// fell is whether the worker has begun to count anew.
func (t tally) fell(before tally) bool {
	if t.n < before.n {
		return true
	}
	for i, n := range before.buckets {
		if t.buckets[i] < n {
			return true
		}
	}
	return false
}

// settle moves what ended runs had counted to the base, and forgets gauges.
func (l *ledger) settle(present map[runID]bool) {
	for name, a := range l.accounts {
		if a.kind == gauge || a.kind == untyped {
			l.size -= len(a.entries)
			delete(l.accounts, name)
		}
		a.rule = l.config.rule(name, a.asked) // a reload may have changed it
	}
	for id, r := range l.runs {
		if present[id] {
			continue
		}
		for e, t := range r.last {
			e.base.add(t.finite())
			e.holders--
			e.account.holders--
		}
		delete(l.runs, id)
	}
}

// enter takes what one worker says about a family.
func (l *ledger) enter(id runID, f *family, dropped *Dropped) {
	a := l.accounts[f.name]
	switch {
	case a == nil:
		a = l.open(f)
	case a.kind != f.kind && a.holders > 0 || a.kind != f.kind && !counts(a.kind):
		dropped[Conflict] += len(f.series)
		return
	case a.kind != f.kind: // the workers that had the old type have ended
		l.size -= len(a.entries)
		a = l.open(f)
	}
	if a.help == "" {
		a.help = cloned(f.help)
	}
	if a.rule == Omit {
		return
	}
	for i := range f.series {
		if cause, ok := l.post(id, a, &f.series[i]); !ok {
			dropped[cause]++
		}
	}
}

// counts is whether a type only grows.
func counts(k kind) bool { return k == counter || k == summary || k == histogram }

// open makes the account of a family.
func (l *ledger) open(f *family) *account {
	a := &account{kind: f.kind, asked: f.rule, rule: l.config.rule(f.name, f.rule), entries: map[string]*entry{}}
	l.accounts[cloned(f.name)] = a
	return a
}

// post takes one series of one worker.
func (l *ledger) post(id runID, a *account, s *series) (Cause, bool) {
	t := take(a.kind, s)
	if counts(a.kind) && !countable(t.n) {
		return Uncountable, false
	}
	e := a.entries[s.key]
	if e == nil {
		if l.size >= l.config.MaxSamples {
			return Overflow, false
		}
		e = a.entry(s)
		l.size++
	}
	if !counts(a.kind) {
		a.rule.combine(e, t.n)
		return 0, true
	}
	if a.kind == histogram && !e.agree(s.spread.points) {
		return Buckets, false
	}
	l.record(id, e, t)
	return 0, true
}

// entry makes one. It must not hold on to the worker's answer.
func (a *account) entry(s *series) *entry {
	e := &entry{account: a, key: cloned(s.key)}
	for _, l := range s.labels {
		e.labels = append(e.labels, label{cloned(l.name), cloned(l.value)})
	}
	a.entries[e.key] = e
	return e
}

// agree is whether a histogram has the bounds of the sum. When no worker has
// those any more, the sum begins anew with the histogram's.
func (e *entry) agree(bounds []point) bool {
	if slices.EqualFunc(e.bounds, bounds, func(a, b point) bool { return a.at == b.at }) {
		return true
	}
	if e.holders > 0 {
		return false
	}
	e.bounds, e.base = slices.Clone(bounds), tally{}
	return true
}

// record remembers a run's tally. One that fell begins anew on top of it.
func (l *ledger) record(id runID, e *entry, t tally) {
	r := l.runs[id]
	if r == nil {
		r = &run{last: map[*entry]tally{}}
		l.runs[runID{id.instance, cloned(id.run)}] = r
	}
	before, known := r.last[e]
	if !known {
		e.holders++
		e.account.holders++
	} else if t.fell(before) {
		e.base.add(before.finite())
	}
	r.last[e] = t
}

// combine takes a gauge into one.
func (r Rule) combine(e *entry, v float64) {
	e.n++
	first := e.n == 1
	switch r {
	case Sum, Average:
		e.now.n += v
	case Min:
		if first || v < e.now.n {
			e.now.n = v
		}
	case Max:
		if first || v > e.now.n {
			e.now.n = v
		}
	case First:
		if first {
			e.now.n = v
		}
	case Omit:
	}
}
