package merge

// Cause is why something of a worker's metrics is not served.
type Cause int

// Malformed counts lines or JSON values, the others samples or whole series.
const (
	Malformed   Cause = iota // not of the format
	Duplicate                // the same series twice: the first is kept
	Conflict                 // a type or a sample name another family has taken
	Reserved                 // gorun_: gorun's own names
	Unsupported              // gauge histograms
	Buckets                  // bounds that the other workers' do not have: not to be summed
	Uncountable              // a counter that is NaN, infinite or negative: not to be summed
	Overflow                 // more series than the sum may have
)

// Causes lists all.
var Causes = [...]Cause{Malformed, Duplicate, Conflict, Reserved, Unsupported, Buckets, Uncountable, Overflow}

// String is the cause as a label's value.
func (c Cause) String() string {
	return [...]string{"malformed", "duplicate", "conflict", "reserved", "unsupported", "buckets", "uncountable", "overflow"}[c]
}

// Dropped counts what is not served, by Cause.
type Dropped [len(Causes)]int

// add adds another count.
func (d *Dropped) add(other Dropped) {
	for cause, n := range other {
		d[cause] += n
	}
}
