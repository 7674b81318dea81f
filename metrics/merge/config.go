package merge

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Rule is how the gauges of several workers become one.
type Rule string

// Sum is the rule where none is given.
const (
	Sum     Rule = "sum"
	Min     Rule = "min"
	Max     Rule = "max"
	Average Rule = "avg"
	First   Rule = "first" // that of the lowest instance
	Omit    Rule = "omit"  // leaves the family out, counters too
)

// rules also has prom-client's word for the average.
var rules = map[string]Rule{
	"sum": Sum, "min": Min, "max": Max, "avg": Average, "average": Average, "first": First, "omit": Omit,
}

// Config is how an app's workers are asked. Each zero but Path's stands for
// the default.
type Config struct {
	Path       string          // of the workers' metrics, for whoever makes the Fetch
	Aggregate  bool            // add the workers up, instead of a label for each
	Rules      map[string]Rule // by a gauge's name, which may have path.Match's wildcards; the longest wins
	Timeout    time.Duration   // for one worker's answer, default 2s
	MaxBytes   int64           // of one worker's answer, default 4 MiB
	MaxSamples int             // of one worker, and series of the sum, default 20,000
}

const (
	defaultTimeout    = 2 * time.Second
	defaultMaxBytes   = 4 << 20
	defaultMaxSamples = 20_000
)

// Validate finds what cannot work.
func (c Config) Validate() error {
	if c.Path != "" && !strings.HasPrefix(c.Path, "/") {
		return fmt.Errorf("metrics path %q: must begin with /", c.Path)
	}
	for _, pattern := range slices.Sorted(maps.Keys(c.Rules)) {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("metrics rule %q: %w", pattern, err)
		}
		if _, ok := rules[string(c.Rules[pattern])]; !ok {
			return fmt.Errorf("metrics rule %q: %q is none of sum, min, max, avg, first, omit", pattern, c.Rules[pattern])
		}
	}
	if c.Timeout < 0 || c.MaxBytes < 0 || c.MaxSamples < 0 {
		return fmt.Errorf("metrics limits %v, %d bytes, %d samples: must not be negative", c.Timeout, c.MaxBytes, c.MaxSamples)
	}
	return nil
}

// filled has the defaults where nothing was said.
func (c Config) filled() Config {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.MaxSamples <= 0 {
		c.MaxSamples = defaultMaxSamples
	}
	return c
}

// rule is what the config says about a family, or else the app itself.
func (c Config) rule(name string, asked Rule) Rule {
	best, found := "", asked
	if exact, ok := c.Rules[name]; ok {
		found = exact
	} else {
		for pattern, rule := range c.Rules {
			longer := len(pattern) > len(best) || len(pattern) == len(best) && pattern < best
			if hit, err := path.Match(pattern, name); err == nil && hit && longer {
				best, found = pattern, rule
			}
		}
	}
	if known, ok := rules[string(found)]; ok {
		return known
	}
	return Sum
}
