package node

import (
	_ "embed" // the preload
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

//go:embed preload.mjs
var preload string

// Instrument adds the preload to an environment: whatever else node is to load
// stays. It takes no file: a container's disk may be read-only. It takes Node
// 18.18 or newer.
func Instrument(environ []string) []string {
	option := "--import data:text/javascript;base64," + base64.StdEncoding.EncodeToString([]byte(preload))
	changed := make([]string, 0, len(environ)+1)
	for _, pair := range environ {
		if words, found := strings.CutPrefix(pair, "NODE_OPTIONS="); found {
			option = strings.TrimSpace(strings.ReplaceAll(words, option, "")) + " " + option
			continue
		}
		changed = append(changed, pair)
	}
	return append(changed, "NODE_OPTIONS="+strings.TrimSpace(option))
}

// Vitals is how a Node process was in the last second, as the preload has it.
type Vitals struct {
	P50, P95, P99                     float64 // of the event loop's delay, in seconds
	HeapUsed, HeapReserved, HeapLimit int64   // bytes
	Handles, Requests                 int     // that are active
}

// reports is how often the preload reports; a report may be as late as that before
// it counts as missing.
const reports = time.Second

// After is what is known so long after the report: where the next one is missing,
// the loop is late by that.
func (v Vitals) After(age time.Duration) Vitals {
	if age < 2*reports {
		return v
	}
	late := (age - reports).Seconds()
	v.P50, v.P95, v.P99 = max(v.P50, late), max(v.P95, late), max(v.P99, late)
	return v
}

// Totals is what a Node process has counted since its start.
type Totals struct {
	Delay  float64 // of the event loop, in seconds
	Ticks  uint64  // whose delay is in it
	Pause  float64 // for garbage collection, in seconds
	Pauses uint64
}

// Since is what came to the totals since some of before.
func (t Totals) Since(before Totals) Totals {
	return Totals{
		Delay: max(t.Delay-before.Delay, 0), Ticks: max(t.Ticks, before.Ticks) - before.Ticks,
		Pause: max(t.Pause-before.Pause, 0), Pauses: max(t.Pauses, before.Pauses) - before.Pauses,
	}
}

// Plus adds up two.
func (t Totals) Plus(other Totals) Totals {
	return Totals{t.Delay + other.Delay, t.Ticks + other.Ticks, t.Pause + other.Pause, t.Pauses + other.Pauses}
}

// ParseVitals reads what the preload sends. It is not ok unless all of it is there
// and may be true: the app can send the like.
func ParseVitals(line json.RawMessage) (Vitals, Totals, bool) {
	m, err := parse(line)
	if err != nil {
		return Vitals{}, Totals{}, false
	}
	r := vitalsReader{fields: m.fields}
	v := Vitals{
		P50: r.float("p50"), P95: r.float("p95"), P99: r.float("p99"),
		HeapUsed: r.whole("used"), HeapReserved: r.whole("reserved"), HeapLimit: r.whole("limit"),
		Handles: int(r.whole("handles")), Requests: int(r.whole("requests")),
	}
	t := Totals{Delay: r.float("delay"), Ticks: uint64(r.whole("ticks")), Pause: r.float("pause"), Pauses: uint64(r.whole("pauses"))}
	if r.bad {
		return Vitals{}, Totals{}, false
	}
	return v, t, true
}

// vitalsReader reads numbers until one is bad.
type vitalsReader struct {
	fields fields
	bad    bool
}

// maxVital is beyond whatever can be, and yet a whole number in JavaScript.
const maxVital = 1 << 52

func (r *vitalsReader) float(name string) float64 {
	v, ok := number(string(r.fields[name]), numerals+"eE")
	if !ok || v < 0 || v > maxVital {
		r.bad = true
		return 0
	}
	return v
}

func (r *vitalsReader) whole(name string) int64 { return int64(r.float(name)) }
