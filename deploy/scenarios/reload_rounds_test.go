//go:build scenarios

package scenarios_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A quarter of eight workers are two. Each says when it begins its start of a
// second, and when it is about to listen.
func TestAReloadReplacesAQuarterAtATime(t *testing.T) {
	long(t)
	t.Parallel()
	s := newSite(t)
	slow := staticProgram.app(t, s).with("instances", 8).with("env", s.environ("START", "1000"))
	g := operate(t, s, slow)
	all := "api/0 api/1 api/2 api/3 api/4 api/5 api/6 api/7"
	for i, test := range []struct {
		args        []string
		least, most int // workers that start at the same time
	}{
		{[]string{"reload", "all"}, 2, 2},
		{[]string{"reload", "all", "--parallel", "8"}, 3, 8},
	} {
		before := g.members(t)
		o := g.order(t, test.args...)
		name := "gorun " + strings.Join(test.args, " ")
		t.Logf("%s: %v", name, o.took.Round(time.Millisecond))
		if got := changed(before, g.members(t)); o.code != 0 || got != all {
			t.Errorf("%s exits with %d and has replaced %q\n%s", name, o.code, got, o.err)
		}
		if n := g.mostStarting(t, 8*(i+1), 8); n < test.least || n > test.most {
			t.Errorf("%s starts %d workers at a time, want %d to %d", name, n, test.least, test.most)
		}
	}
}

// mostStarting is how many workers were starting at the same time, of the n after
// the first ones.
func (g operated) mostStarting(t *testing.T, first, n int) int {
	t.Helper()
	type step struct{ at, change int64 }
	var steps []step
	for i := first + 1; i <= first+n; i++ {
		steps = append(steps, step{parse(t, g.out.nth(t, `^starting (\d+)$`, i)[1]), 1}, step{parse(t, g.out.nth(t, `^started (\d+)$`, i)[1]), -1})
	}
	slices.SortFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	now, most := int64(0), int64(0)
	for _, s := range steps {
		now += s.change
		most = max(most, now)
	}
	return int(most)
}
