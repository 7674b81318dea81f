package node

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/status"
)

const vitals = `{"type":"gorun:metrics","p50":0.0002,"p95":0.02,"p99":1.5e-7,"delay":0.5,"ticks":100,"pause":0.25,"pauses":7,` +
	`"used":5000000,"reserved":6000000,"limit":7000000,"handles":2,"requests":1}`

func TestVitalsAreRead(t *testing.T) {
	v, totals, ok := ParseVitals(json.RawMessage(vitals))
	if want := (status.Vitals{P50: .0002, P95: .02, P99: 1.5e-7, HeapUsed: 5_000_000, HeapReserved: 6_000_000, HeapLimit: 7_000_000, Handles: 2, Requests: 1}); !ok || v != want {
		t.Errorf("%+v, %v, want %+v", v, ok, want)
	}
	if want := (status.Totals{Delay: .5, Ticks: 100, Pause: .25, Pauses: 7}); totals != want {
		t.Errorf("%+v, want %+v", totals, want)
	}
}

func TestVitalsThatCannotBeAreRefused(t *testing.T) {
	for _, change := range [][2]string{
		{`"p50":0.0002`, `"p50":-1`},
		{`"p95":0.02`, `"p95":null`},
		{`"p99":1.5e-7`, `"p99":"1"`},
		{`"delay":0.5`, `"delay":1e300`},
		{`"used":5000000,`, ``},
		{`"handles":2`, `"handles":{}`},
		{`"requests":1`, `"requests":1e16`},
	} {
		line := strings.Replace(vitals, change[0], change[1], 1)
		if _, _, ok := ParseVitals(json.RawMessage(line)); ok || line == vitals {
			t.Errorf("%s is taken for the preload's", line)
		}
	}
}

func TestALoopWhoseReportIsMissingIsLate(t *testing.T) {
	v := status.Vitals{P50: .1, P95: .2, P99: 5}
	for _, tt := range []struct {
		age  time.Duration
		want status.Vitals
	}{
		{1900 * time.Millisecond, v},
		{3 * time.Second, status.Vitals{P50: 2, P95: 2, P99: 5}},
		{time.Minute, status.Vitals{P50: 59, P95: 59, P99: 59}},
	} {
		if got := v.After(tt.age); got != tt.want {
			t.Errorf("after %v: %+v, want %+v", tt.age, got, tt.want)
		}
	}
}

func TestTotalsNeverFall(t *testing.T) {
	first, restarted := status.Totals{Delay: 1, Ticks: 10, Pause: 2, Pauses: 3}, status.Totals{Delay: .5, Ticks: 4, Pause: 2.5, Pauses: 5}
	if got, want := first.Plus(restarted.Since(first)), (status.Totals{Delay: 1, Ticks: 10, Pause: 2.5, Pauses: 5}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestThePreloadComesAfterTheAppsOwnOptions(t *testing.T) {
	before := []string{"A=1", "NODE_OPTIONS=--require ./a.js --max-old-space-size=100", "B=2"}
	once := Instrument(before)
	if got := once[2]; !strings.HasPrefix(got, "NODE_OPTIONS=--require ./a.js --max-old-space-size=100 --import data:text/javascript;base64,") {
		t.Errorf("%s", got)
	}
	if twice := Instrument(once); !slices.Equal(once, twice) {
		t.Errorf("twice it is %q", twice)
	}
	if alone := Instrument(nil)[0]; !strings.HasPrefix(alone, "NODE_OPTIONS=--import ") || strings.Count(alone, " ") != 1 {
		t.Errorf("alone it is %q", alone)
	}
	if before[1] != "NODE_OPTIONS=--require ./a.js --max-old-space-size=100" {
		t.Error("what was given in has changed")
	}
}

// patient tells what it finds, forks and has a thread, neither of which are to
// report, and blocks its loop.
const patient = `
const {fork} = require('child_process');
const {Worker, isMainThread} = require('worker_threads');
if (process.env.CHILD) return setTimeout(() => process.disconnect(), 1500);
process.send([process.env.NODE_OPTIONS, process.execArgv, require.main === module, process.listenerCount('message')]);
fork(__filename, {env: {...process.env, CHILD: '1'}}).on('message', (m) => process.send(['leak', m]));
new Worker('setTimeout(() => {}, 1500)', {eval: true});
setTimeout(() => { const end = Date.now() + 300; while (Date.now() < end); }, 1300);
setTimeout(() => process.send('over'), 2600);
`

func TestNodeReportsItsVitalsAndNobodyElseSeesThem(t *testing.T) {
	a := newApp(t, patient)
	w := a.instrumented("--no-warnings --max-old-space-size=300")
	w.wantMessage(t, `["--no-warnings --max-old-space-size=300",[],true,0]`)
	var worst, total float64
	n := 0
	for {
		line := receive(t, w.messages, "a report")
		if line == `"over"` {
			break
		}
		v, totals, ok := ParseVitals(json.RawMessage(line))
		if !ok || v.HeapUsed < 1<<20 || v.HeapReserved < v.HeapUsed || v.HeapLimit < 300<<20 || v.HeapLimit > 700<<20 || v.Handles < 1 {
			t.Errorf("%s gives %+v, %v", line, v, ok)
		}
		worst, total, n = max(worst, v.P99), totals.Delay, n+1
	}
	if n == 0 || worst < .2 || total < .2 {
		t.Errorf("%d reports of a loop that was blocked for 0.3 s: at worst %v, in all %v", n, worst, total)
	}
}

func TestTheReportKeepsNoNodeAlive(t *testing.T) {
	a := newApp(t, `setTimeout(() => {}, 1200)`)
	begun := time.Now()
	w := a.instrumented("")
	happens(t, w.exited, "the end of Node")
	if w.result != nil || time.Since(begun) < time.Second {
		t.Errorf("it ended after %v with %v\n%s", time.Since(begun), w.result, w.output.String())
	}
}

func TestANodeThatDisconnectsReportsNoMore(t *testing.T) {
	a := newApp(t, `process.disconnect(); setTimeout(() => console.log('fine'), 1500)`)
	w := a.instrumented("")
	happens(t, w.exited, "the end of Node")
	if w.result != nil || w.output.String() != "fine\n" {
		t.Errorf("it ended with %v and wrote %s", w.result, w.output.String())
	}
}

func TestWithoutAChannelThePreloadDoesNothing(t *testing.T) {
	a := newApp(t, `console.log(process.env.NODE_OPTIONS)`)
	c := exec.Command(a.node, a.script)
	c.Env = Instrument(nil)
	if out, err := c.CombinedOutput(); err != nil || string(out) != "undefined\n" {
		t.Errorf("%v: %s", err, out)
	}
}
