package status

import "time"

// Histogram is a cumulative histogram as Prometheus wants it. A value: adding
// to it makes a copy.
type Histogram struct {
	Count   uint64
	Sum     float64
	Buckets [len(DurationBuckets)]uint64 // cumulative, by DurationBuckets
}

// DurationBuckets are the upper bounds of Histogram, in seconds.
var DurationBuckets = [...]float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}

// Plus returns both histograms added up.
func (h Histogram) Plus(other Histogram) Histogram {
	h.Count += other.Count
	h.Sum += other.Sum
	for i, n := range other.Buckets {
		h.Buckets[i] += n
	}
	return h
}

// Observe returns h with one more value.
func (h Histogram) Observe(d time.Duration) Histogram {
	h.Count++
	h.Sum += d.Seconds()
	for i, bound := range DurationBuckets {
		if d.Seconds() <= bound {
			h.Buckets[i]++
		}
	}
	return h
}

// ProbeTimes is a cumulative histogram of seconds, as Histogram is, with bounds
// for checks.
type ProbeTimes struct {
	Count   uint64
	Sum     float64
	Buckets [len(ProbeBuckets)]uint64 // cumulative, by ProbeBuckets
}

// ProbeBuckets are the upper bounds of ProbeTimes, in seconds.
var ProbeBuckets = [...]float64{.001, .005, .01, .05, .1, .5, 1, 5}

// Observe returns p with one more value.
func (p ProbeTimes) Observe(d time.Duration) ProbeTimes {
	p.Count++
	p.Sum += d.Seconds()
	for i, bound := range ProbeBuckets {
		if d.Seconds() <= bound {
			p.Buckets[i]++
		}
	}
	return p
}

// Plus returns both added up.
func (p ProbeTimes) Plus(other ProbeTimes) ProbeTimes {
	p.Count += other.Count
	p.Sum += other.Sum
	for i, n := range other.Buckets {
		p.Buckets[i] += n
	}
	return p
}
