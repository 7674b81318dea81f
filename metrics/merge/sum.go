package merge

import (
	"maps"
	"slices"
	"strings"
)

// cloned keeps a short text from keeping a whole answer in memory.
func cloned(s string) string { return strings.Clone(s) }

// settled is the ledger when a scrape of the app begins.
func (l *ledger) settled(g *group) *ledger {
	if l == nil {
		l = &ledger{accounts: map[string]*account{}, runs: map[runID]*run{}}
	}
	l.config = g.Config
	present := map[runID]bool{}
	for _, t := range g.targets {
		present[t.id()] = true
	}
	l.settle(present)
	return l
}

// sum adds the app's workers up. It returns how many sums are not served.
func (g *group) sum(l *ledger, p *pool) (dropped int) {
	for _, t := range g.targets {
		for _, f := range t.found {
			l.enter(t.id(), f, &t.report.Dropped)
		}
	}
	emit := newEmitter(label{"app", g.Name})
	for _, f := range l.balance() {
		family := serve(f.name, f.help, f.kind)
		if family.Metric = emit.metrics(f); !p.add(family) {
			dropped += len(f.series)
		}
	}
	return dropped
}

func (t *target) id() runID { return runID{t.worker.Instance, t.worker.Run} }

// balance makes families of all sums, sorted by name.
func (l *ledger) balance() []*family {
	l.total()
	families := make([]*family, 0, len(l.accounts))
	for _, name := range slices.Sorted(maps.Keys(l.accounts)) {
		a := l.accounts[name]
		if len(a.entries) == 0 || a.rule == Omit {
			continue
		}
		f := &family{name: name, help: a.help, kind: a.kind}
		for _, key := range slices.Sorted(maps.Keys(a.entries)) {
			f.series = append(f.series, a.entries[key].series())
		}
		families = append(families, f)
	}
	return families
}

// total adds up what was counted: the base, and each run that goes on.
func (l *ledger) total() {
	for _, a := range l.accounts {
		if !counts(a.kind) {
			continue
		}
		for _, e := range a.entries {
			e.now = tally{}
			e.now.add(e.base)
		}
	}
	for _, r := range l.runs {
		for e, t := range r.last {
			e.now.add(t)
		}
	}
}

// series is the entry as it is served.
func (e *entry) series() series {
	s := series{key: e.key, labels: e.labels, value: e.now.n}
	if e.account.rule == Average && !counts(e.account.kind) {
		s.value /= float64(e.n)
	}
	if e.account.kind != summary && e.account.kind != histogram {
		return s
	}
	s.spread = &spread{count: e.now.n, sum: e.now.sum}
	for i, n := range e.now.buckets {
		s.spread.points = append(s.spread.points, point{e.bounds[i].at, n})
	}
	return s
}
