package trigger

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestPollingLooksAtItsInterval(t *testing.T) {
	y := tree(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := Watch{Paths: []string{y.at("app")}, Poll: 3 * time.Second, Delay: time.Second}
		changes, err := w.prepare()
		must(t, err)
		start := time.Now()
		var fired time.Duration
		var changed []string
		done := make(chan error)
		go func() {
			done <- w.collect(ctx, changes, func(names []string) {
				fired, changed = time.Since(start), names
				cancel()
			})
		}()
		<-time.After(4 * time.Second)
		y.chmod("app/src/b.js")              // does not count
		y.write("app/node_modules/x/new.js") // nor does this
		y.remove("app/src/a.js")
		if err := <-done; err != nil || fired != 7*time.Second || !slices.Equal(changed, []string{"src/a.js"}) {
			t.Errorf("fired after %v for %q (%v), want 7s, src/a.js", fired, changed, err)
		}
	})
}
