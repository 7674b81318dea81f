package record

import (
	"testing"
	"time"

	"gorun/supervisor/invocation"
)

func TestTheSumOfCPUTimeNeverFalls(t *testing.T) {
	var m cpuMeter
	first, second := &invocation.Invocation{}, &invocation.Invocation{}
	is := func(what string, got, want time.Duration) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	is("before the first run", m.total(nil, 0), 0)
	m.begin(first)
	is("in a run", m.total(first, 3*time.Second), 3*time.Second)
	is("when less is seen, as a child has gone", m.total(first, 2*time.Second), 3*time.Second)
	m.end(first, time.Second)
	is("after a run that told of less", m.total(nil, 0), 3*time.Second)
	is("a look that comes too late", m.total(first, 9*time.Second), 3*time.Second)
	m.begin(second)
	is("a look that comes far too late", m.total(first, 9*time.Second), 3*time.Second)
	is("in the second run", m.total(second, time.Second), 4*time.Second)
	m.end(second, 5*time.Second)
	is("after a run that told of more", m.total(nil, 0), 8*time.Second)
	m.begin(first)
	m.begin(second)
	m.total(first, 2*time.Second)
	is("while one run replaces another", m.total(second, time.Second), 11*time.Second)
	m.end(first, 4*time.Second)
	is("when the older one is gone", m.total(second, 2*time.Second), 14*time.Second)
}
