package process

import (
	"context"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stopped ends a worker and returns whether force was needed, failing the test
// when that takes too long.
func stopped(t *testing.T, w worker, ladder Ladder) bool {
	t.Helper()
	done := make(chan bool, 1)
	go func() { done <- w.Stop(context.Background(), ladder) }()
	select {
	case forced := <-done:
		return forced
	case <-time.After(patience):
		t.Fatal("Stop does not return")
		return false
	}
}

func TestStop(t *testing.T) {
	tests := []struct {
		name   string
		script string
		grace  time.Duration
		forced bool
		code   int
	}{
		{"obedient", `echo up; exec sleep 1000`, never, false, 143},
		{"obedient with a code of its own", `trap 'exit 7' TERM; ` + idle, never, false, 7},
		{"ignoring", `trap '' TERM; ` + idle, 20 * time.Millisecond, true, 137},
		{"no grace", `trap '' TERM; ` + idle, 0, true, 137},
		{"children obey, too", `sleep 1000 & sleep 1000 & echo up; wait`, never, false, 143},
		{"a child ignores", `(trap '' TERM; echo up; sleep 1000) & wait`, 20 * time.Millisecond, true, 143},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := begin(t, shellSpec(test.script))
			w.line(t)
			forced := stopped(t, w, Ladder{Signal: unix.SIGTERM, Grace: test.grace})
			if got := w.Status().ExitCode(); forced != test.forced || got != test.code || len(w.Members()) > 0 {
				t.Errorf("forced %v, code %d, left %v; want %v, %d, none", forced, got, w.Members(), test.forced, test.code)
			}
		})
	}
}

func TestStopOfAProgramThatWasAskedSignalsWhatItLeavesBehind(t *testing.T) {
	// It ends by itself; its child, which gets the signal, would not.
	w := begin(t, shellSpec(`sleep 1000 & trap 'exit 9' TERM; echo up; sleep 0.1; exit 3`))
	w.line(t)
	forced := stopped(t, w, Ladder{Signal: unix.SIGTERM, Grace: never, ShutdownSent: true})
	if got := w.Status().ExitCode(); forced || got != 3 || len(w.Members()) > 0 {
		t.Errorf("forced %v, code %d, left %v; want 3, none", forced, got, w.Members())
	}
}

func TestStopOfAStoppedProcess(t *testing.T) {
	w := begin(t, shellSpec(`sh -c 'kill -STOP $$' & echo up; kill -STOP $$`))
	w.line(t)
	eventually(t, func() bool {
		stopped := 0
		for _, e := range w.family.members(processTable()) {
			if e.state == 'T' {
				stopped++
			}
		}
		return stopped == 2
	})
	if forced := stopped(t, w, Ladder{Signal: unix.SIGTERM, Grace: never}); forced || w.Status().Signal != unix.SIGTERM {
		t.Errorf("forced %v, %+v", forced, w.Status())
	}
}

func TestStopIsCutShort(t *testing.T) {
	w := begin(t, shellSpec(`trap 'echo asked' TERM; `+idle))
	w.line(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { done <- w.Stop(ctx, Ladder{Signal: unix.SIGTERM, Grace: never}) }()
	if got := w.line(t); got != "asked" {
		t.Fatal(got)
	}
	cancel()
	if forced := <-done; !forced || w.Status().Signal != unix.SIGKILL {
		t.Errorf("forced %v, %+v", forced, w.Status())
	}
}

func TestStopOfTheProgramAlone(t *testing.T) {
	w := begin(t, shellSpec(`sleep 1000 & echo $!; wait`))
	child := w.number(t)
	ladder := Ladder{Signal: unix.SIGTERM, Grace: never, MainOnly: true}
	if forced := stopped(t, w, ladder); forced || !lives(child) {
		t.Errorf("forced %v, child lives: %v", forced, lives(child))
	}
	if stopped(t, w, ladder) {
		t.Error("the dead was killed")
	}
}

func TestStopEndsWhatTheDeadLeft(t *testing.T) {
	w := begin(t, shellSpec(`sleep 1000 & `+daemon+`; exit 3`))
	pid := w.number(t)
	wait(t, w.Exited())
	if got := len(w.Members()); got != 2 {
		t.Errorf("%d left, want 2", got)
	}
	forced := stopped(t, w, Ladder{Signal: unix.SIGTERM, Grace: never})
	if forced || lives(pid) || len(w.Members()) > 0 || w.Status().Code != 3 {
		t.Errorf("forced %v, left %v, %+v", forced, w.Members(), w.Status())
	}
}

func TestStopOfTheDeadReturnsAtOnce(t *testing.T) {
	w := begin(t, shellSpec(`exit 0`))
	wait(t, w.Exited())
	if stopped(t, w, Ladder{Signal: unix.SIGTERM, Grace: never}) {
		t.Error("the dead was killed")
	}
}

// Each fork that slips through between a look at the process table and the
// signal is found at the next look.
func TestStopOfAForkingTree(t *testing.T) {
	for range 5 {
		w := begin(t, shellSpec(`setsid sh -c 'trap "" TERM; echo up; i=0; while [ $((i+=1)) -lt 200 ]; do sleep 1000 & done' & wait`))
		w.line(t)
		if !stopped(t, w, Ladder{Signal: unix.SIGTERM}) || len(w.Members()) > 0 {
			t.Errorf("%d left", len(w.Members()))
		}
	}
}

// Whoever forks, and dies before the look at the table comes to it, has left
// somebody behind that is not in the table.
func TestADeadChildAsksForAnotherLook(t *testing.T) {
	self, dead := os.Getpid(), map[int]bool{}
	for _, look := range []struct {
		name  string
		table []entry
		fresh bool
	}{
		{"alive", []entry{{pid: 1, ppid: self, state: 'S', threads: 1}}, false},
		{"first thread dead", []entry{{pid: 2, ppid: self, state: 'Z', threads: 2}}, false},
		{"somebody else's", []entry{{pid: 3, ppid: self + 1, state: 'Z', threads: 1}}, false},
		{"dead", []entry{{pid: 4, ppid: self, state: 'Z', threads: 1}}, true},
		{"still not reaped", []entry{{pid: 4, ppid: self, state: 'Z', threads: 1}}, false},
		{"what that one left, dead too", []entry{{pid: 5, ppid: self, state: 'X', threads: 1}}, true},
	} {
		if got := addDead(dead, look.table); got != look.fresh {
			t.Errorf("%s: %v, want %v", look.name, got, look.fresh)
		}
	}
}

// It waits for children of gorun itself, too, not for orphans alone.
func TestEndAllSeesTheEndOfAWorker(t *testing.T) {
	for range 20 {
		w := begin(t, shellSpec(idle))
		w.line(t)
		over := make(chan bool, 1)
		go func() { over <- EndAll(context.Background(), shared, Ladder{Signal: unix.SIGTERM, Grace: never}) }()
		select {
		case <-over:
		case <-time.After(patience):
			t.Fatal("EndAll does not return")
		}
	}
}

func TestEndAll(t *testing.T) {
	if EndAll(t.Context(), shared, Ladder{Signal: unix.SIGTERM, Grace: never}) {
		t.Error("nobody was killed")
	}
	one, other := begin(t, shellSpec(`env -i setsid sleep 1000 & echo $!; wait`)), begin(t, shellSpec(daemon))
	pids := []int{one.Pid(), one.number(t), other.number(t)}
	if EndAll(t.Context(), shared, Ladder{Signal: unix.SIGTERM, Grace: never}) {
		t.Error("force was used")
	}
	for _, pid := range pids {
		if lives(pid) {
			t.Errorf("%d lives", pid)
		}
	}
}

func TestStopIsProlongedByTheProgram(t *testing.T) {
	w := begin(t, shellSpec(`trap 'echo asked; sleep 2.4; exit 0' TERM; `+idle))
	w.line(t)
	extend, done := make(chan time.Duration), make(chan bool, 1)
	go func() {
		done <- w.Stop(context.Background(), Ladder{Signal: unix.SIGTERM, Grace: 2 * time.Second, Extend: extend})
	}()
	if got := w.line(t); got != "asked" {
		t.Fatal(got)
	}
	for _, more := range []time.Duration{patience, time.Millisecond} { // the second takes nothing back
		select {
		case extend <- more:
		case forced := <-done:
			t.Fatalf("forced %v, %+v", forced, w.Status())
		}
	}
	if forced := <-done; forced || w.Status().Code != 0 || w.Status().Signal != 0 {
		t.Errorf("forced %v, %+v", forced, w.Status())
	}
}
