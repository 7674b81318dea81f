package merge

import (
	"path"
	"time"

	"gorun/supervisor/spec"
)

// rule is how the gauges of several workers become one.
type rule string

const (
	ruleSum     rule = "sum" // where no rule is given
	ruleMin     rule = "min"
	ruleMax     rule = "max"
	ruleAverage rule = "avg"
	ruleFirst   rule = "first" // the value of the lowest instance
	ruleOmit    rule = "omit"  // leaves the family out, counters too
)

// rules has them by their words, prom-client's word for the average included.
var rules = map[string]rule{
	"sum": ruleSum, "min": ruleMin, "max": ruleMax, "avg": ruleAverage, "average": ruleAverage, "first": ruleFirst, "omit": ruleOmit,
}

// defaultTimeout is spec.Metrics' Timeout where none is given.
const defaultTimeout = 2 * time.Second

// withDefaults fills in what was not given.
func withDefaults(m spec.Metrics) spec.Metrics {
	if m.Timeout <= 0 {
		m.Timeout = defaultTimeout
	}
	return m
}

// ruleFor is the rule that the config has for a family, else the one that the
// app itself asks for. Of the patterns that match the longest decides.
func ruleFor(config spec.Metrics, name string, asked rule) rule {
	best, found := "", string(asked)
	if exact, ok := config.Rules[name]; ok {
		found = exact
	} else {
		for pattern, word := range config.Rules {
			longer := len(pattern) > len(best) || len(pattern) == len(best) && pattern < best
			if hit, err := path.Match(pattern, name); err == nil && hit && longer {
				best, found = pattern, word
			}
		}
	}
	if known, ok := rules[found]; ok {
		return known
	}
	return ruleSum
}

// combine adds a worker's gauge to those before it.
func (r rule) combine(s *seriesSum, v float64) {
	s.gauges++
	first := s.gauges == 1
	switch r {
	case ruleSum, ruleAverage:
		s.now.n += v
	case ruleMin:
		if first || v < s.now.n {
			s.now.n = v
		}
	case ruleMax:
		if first || v > s.now.n {
			s.now.n = v
		}
	case ruleFirst:
		if first {
			s.now.n = v
		}
	case ruleOmit:
	}
}
