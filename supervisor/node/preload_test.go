//go:build scenarios

package node

import (
	"encoding/json"
	"os/exec"
	"testing"
	"time"
)

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
