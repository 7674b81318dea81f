package node

import (
	"encoding/json"
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
