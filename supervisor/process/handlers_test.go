package process

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestASignalGoesToTheTopmostOfEachBranchThatHandlesIt(t *testing.T) {
	e := func(pid, ppid int) entry { return entry{pid: pid, ppid: ppid} }
	for _, test := range []struct {
		name    string
		members []entry
		handle  []int
		had     []int
		want    []int
	}{
		{"one that handles it", []entry{e(10, 1)}, []int{10}, nil, []int{10}},
		{"one that does not", []entry{e(10, 1)}, nil, nil, []int{10}},
		{"a runner that passes it on", []entry{e(10, 1), e(11, 10), e(12, 11)}, []int{10, 12}, nil, []int{10}},
		{"a shell before the app", []entry{e(10, 1), e(11, 10)}, []int{11}, nil, []int{11}},
		{"nobody in a branch", []entry{e(10, 1), e(11, 10), e(12, 11)}, nil, nil, []int{10, 11, 12}},
		{"branches side by side", []entry{e(10, 1), e(11, 10), e(12, 10), e(13, 12)}, []int{11, 13}, nil, []int{11, 13}},
		{"a branch that handles it beside one that does not", []entry{e(10, 1), e(11, 10), e(12, 10)}, []int{11}, nil, []int{11, 12}},
		{"two roots", []entry{e(10, 1), e(20, 1), e(21, 20)}, []int{21}, nil, []int{10, 21}},
		{"its own cluster", []entry{e(10, 1), e(11, 10), e(12, 10)}, []int{10, 11, 12}, nil, []int{10}},
		{"while the runner ends in its own way", []entry{e(10, 1), e(11, 10)}, []int{10, 11}, []int{10}, nil},
		{"left behind by the runner", []entry{e(11, 1)}, []int{11}, nil, []int{11}},
		{"the shell that the app has left", []entry{e(10, 1)}, nil, nil, []int{10}},
	} {
		who := recipients{
			handles:   func(one entry) bool { return slices.Contains(test.handle, one.pid) },
			signalled: func(one entry) bool { return slices.Contains(test.had, one.pid) },
		}
		got := pids(who.of(test.members))
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// app is a program in a shell that counts its signals, and ends a while after the first.
const app = `n=0; trap 'n=$((n+1)); echo signal $n; [ $n = 1 ] || exit 9' TERM; echo up; i=0; while [ $((i+=1)) -le 20 ] && [ $n = 0 ]; do sleep 0.05; done; sleep 0.3; echo ended $n; exit 4`

// hearsOneSignal stops a script that runs app: that hears one signal, and ends in its own
// way.
func hearsOneSignal(t *testing.T, script string, grace time.Duration) {
	t.Helper()
	w := begin(t, shellSpec(script))
	if got := w.line(t); got != "up" {
		t.Fatal(got)
	}
	if stopped(t, w, Ladder{Signal: unix.SIGTERM, Grace: grace}) {
		t.Error("killed")
	}
	if one, two := w.line(t), w.line(t); one != "signal 1" || two != "ended 1" {
		t.Errorf("the app says %q, %q; want one signal and its own end", one, two)
	}
}

func TestL3TheAppHearsOneStopSignal(t *testing.T) {
	for _, test := range []struct{ name, script string }{
		{"behind a runner that passes it on", `sh -c '` + strings.ReplaceAll(app, `'`, `'\''`) + `' & p=$!; trap 'kill -TERM $p' TERM; while :; do wait $p; c=$?; [ $c -lt 128 ] && exit $c; done`},
		{"behind a shell that waits", `sh -c '` + strings.ReplaceAll(app, `'`, `'\''`) + `'; exit $?`},
		{"behind a shell that waits, in a session of its own", `setsid -w sh -c '` + strings.ReplaceAll(app, `'`, `'\''`) + `'; exit $?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			hearsOneSignal(t, test.script, never)
		})
	}
}

// pnpm, env-cmd and nodemon pass the signal on and end at once.
func TestL3WhoWasToldByARunnerThatHasEndedHearsNothingMore(t *testing.T) {
	hearsOneSignal(t, `sh -c '`+strings.ReplaceAll(app, `'`, `'\''`)+`' & p=$!; trap 'kill -TERM $p; exit 0' TERM; while :; do wait $p; done`, never)
}

// npm passes the signal on to the shell, which ends of it and leaves the app behind.
func TestL3TheAppBehindARunnerAndAShellIsToldWhenTheShellHasEnded(t *testing.T) {
	hearsOneSignal(t, `exec 2>/dev/null; sh -c "sh -c '`+strings.ReplaceAll(strings.ReplaceAll(app, `$`, `\$`), `'`, `'\''`)+`'; exit 5" & p=$!; trap 'kill -TERM $p' TERM; while :; do wait $p; c=$?; [ $c -eq 143 ] && wait $p; exit $c; done`, 24*time.Hour) // half of it would not come
}

func TestL3WhoeverGetsNothingPassedOnGetsItHalfWay(t *testing.T) {
	w := begin(t, shellSpec(`sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.02; done' & trap : TERM; while :; do wait && exit 5; done`))
	w.line(t)
	if stopped(t, w, Ladder{Signal: unix.SIGTERM, Grace: 4 * time.Second}) {
		t.Error("the app was killed: nobody has told it")
	}
}

func TestL3BashInTheForegroundPassesNothingOn(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash")
	}
	spec := shellSpec("")
	spec.Argv = []string{"bash", "-c", `sh -c 'trap "echo told; exit 5" INT; echo up; while :; do sleep 0.02; done'; exit 6`}
	spec.Argv[0], _ = exec.LookPath("bash")
	w := begin(t, spec)
	w.line(t)
	// With a day of grace, half of it would not come.
	if stopped(t, w, Ladder{Signal: unix.SIGINT, Grace: 24 * time.Hour}) {
		t.Error("killed")
	}
	if got := w.line(t); got != "told" {
		t.Errorf("the app says %q", got)
	}
}

func TestL4ASignalThatIsNewsEndsNobody(t *testing.T) {
	w := begin(t, shellSpec(`sh -c 'trap "echo news" USR1; echo up; while :; do sleep 0.02; done'; exit 3`))
	w.line(t)
	eventually(t, func() bool { return len(w.Members()) == 3 }) // the app, and its sleep: a fork has its parent's handlers until it executes
	if n := SignalAll([]*Process{w.Process}, unix.SIGUSR1); n < 1 || n > 2 {
		t.Errorf("%d have had it, want the one that handles it", n)
	}
	if got := w.line(t); got != "news" {
		t.Errorf("the app says %q", got)
	}
	if n := SignalAll([]*Process{w.Process}, unix.SIGUSR2); n != 0 {
		t.Errorf("%d have had a signal that nobody handles", n)
	}
	select {
	case <-w.Exited():
		t.Error("it has ended")
	default:
	}
}

func TestTheSignalComesInAMomentInWhichNobodyIsServed(t *testing.T) {
	w := begin(t, shellSpec(`trap 'echo told; exit 0' TERM; echo up; while :; do sleep 0.02; done`))
	w.line(t)
	looks, still, signalled := 0, 0, false
	asked := func() bool { return looks > 4 }
	ladder := Ladder{Signal: unix.SIGTERM, Grace: never, Signalled: func() { signalled = true }, Clients: func() Clients {
		return clients(func() bool {
			looks++
			for _, e := range w.family.members(processTable()) {
				if e.state == 'T' {
					still++
				}
			}
			return still == 0 || asked() // the first look at a tree that stands still meets a request
		})
	}}
	if stopped(t, w, ladder) {
		t.Error("killed")
	}
	if got := w.line(t); got != "told" || looks <= 4 || still < 2 || !signalled {
		t.Errorf("%q after %d looks, %d processes stood still, signalled %v", got, looks, still, signalled)
	}
}

// clients is a function as Clients.
type clients func() bool

func (c clients) Idle() bool            { return c() }
func (clients) Hold()                   {}
func (clients) Release(context.Context) {}

func TestNoSuchMomentIsWaitedForTooLong(t *testing.T) {
	w := begin(t, shellSpec(`trap 'echo told; exit 0' TERM; echo up; while :; do sleep 0.02; done`))
	w.line(t)
	if stopped(t, w, Ladder{Signal: unix.SIGTERM, Grace: 2 * time.Second, Clients: func() Clients { return clients(func() bool { return false }) }}) {
		t.Error("killed: the program had no time left")
	}
}
