//go:build scenarios

package scenarios_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// L12: a SIGHUP during a reload is not lost: what the file says by then runs in the end.
func TestL12ASighupDuringAReloadIsDoneAfterIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	api := staticProgram.app(t, s).with("instances", 1)
	g := operate(t, s, api.with("env", s.environ("START", "500", "SAY", "one")))
	s.write(t, api.with("env", s.environ("START", "500", "SAY", "two")))
	first := make(chan outcome, 1)
	go func() { first <- commandLine{socket: s.socket, args: []string{"reload", s.file}}.run(t) }()
	eventually(t, "a replacement is on its way", func() bool { return len(childrenOf(g.pid)) > 1 })
	s.write(t, api.with("env", s.environ("START", "500", "SAY", "three")))
	for range 3 {
		g.signal(t, unix.SIGHUP)
	}
	if o := <-first; o.code != 0 {
		t.Errorf("the reload that was under way exits with %d: %s%s", o.code, o.out, o.err)
	}
	g.err.next(t, "^gorun: reloaded")
	eventually(t, "the file as it was at the signal runs", func() bool { return containsAll(g.ok(t, "env", "api/0"), []string{"SAY=three"}) })
	g.wantStates(t, "api/0 online")
}
