//go:build scenarios

package trigger

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestManyChangesFireOnce does as git checkout does.
func TestManyChangesFireOnce(t *testing.T) {
	for mode, poll := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			y := tree(t)
			f := start(t, Watch{Paths: []string{y.at("app"), y.at("sentinel")}, Poll: poll, Delay: 3 * time.Second})
			for name := range strings.SplitSeq("abcdefghijklmnopqrstuvwxyz", "") {
				y.write("app/checkout/" + name + "/" + name + "/x.js")
			}
			if changed := f.next(t); len(changed) != 10 {
				t.Errorf("changed = %q, want 10 names", changed)
			}
			y.write("sentinel")
			if changed := f.next(t); !slices.Equal(changed, []string{"sentinel"}) {
				t.Errorf("fired again for %q", changed)
			}
		})
	}
}
