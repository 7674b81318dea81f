//go:build scenarios

package scenarios_test

import (
	"strings"
	"testing"
	"time"
)

// Not parallel: it measures time. A quarter of eight workers are two.
func TestAReloadReplacesAQuarterAtATime(t *testing.T) {
	long(t)
	s := newSite(t)
	slow := staticProgram.app(t, s).with("instances", 8).with("env", s.environ("START", "1000"))
	g := operate(t, s, slow)
	all := "api/0 api/1 api/2 api/3 api/4 api/5 api/6 api/7"
	for _, test := range []struct {
		args        []string
		least, most time.Duration
	}{
		{[]string{"reload", "all"}, 3500 * time.Millisecond, 6 * time.Second},
		{[]string{"reload", "all", "--parallel", "8"}, time.Second, 3 * time.Second},
	} {
		before := g.members(t)
		o := g.order(t, test.args...)
		name := "gorun " + strings.Join(test.args, " ")
		t.Logf("%s: %v", name, o.took.Round(time.Millisecond))
		if got := changed(before, g.members(t)); o.code != 0 || got != all {
			t.Errorf("%s exits with %d and has replaced %q\n%s", name, o.code, got, o.err)
		}
		if o.took < test.least || o.took > test.most {
			t.Errorf("%s took %v, want %v to %v", name, o.took, test.least, test.most)
		}
	}
}
