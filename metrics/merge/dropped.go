package merge

// Cause is why samples of a worker are dropped.
type Cause int

// The causes. Malformed counts lines or JSON values, the others samples or series.
const (
	Malformed   Cause = iota // not valid in the format
	Duplicate                // the same series twice: the first is kept
	Conflict                 // another type than the family has, or a sample name of another family
	Reserved                 // gorun_: gorun's own names
	Unsupported              // gauge histograms
	Buckets                  // other bounds than the sum has: cannot be added
	Uncountable              // a counter that is NaN, infinite or negative: cannot be added
	Overflow                 // more series than the sum may have
)

// Causes lists all.
var Causes = [...]Cause{Malformed, Duplicate, Conflict, Reserved, Unsupported, Buckets, Uncountable, Overflow}

// String is the cause as a label's value.
func (c Cause) String() string {
	return [...]string{"malformed", "duplicate", "conflict", "reserved", "unsupported", "buckets", "uncountable", "overflow"}[c]
}

// Dropped counts what was dropped, by Cause.
type Dropped [len(Causes)]int

// add adds another count.
func (d *Dropped) add(other Dropped) {
	for cause, n := range other {
		d[cause] += n
	}
}
