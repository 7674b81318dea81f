package node

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"gorun/supervisor/status"

	_ "embed"
)

//go:embed preload.mjs
var preload string

// Instrument adds the preload to NODE_OPTIONS in an environment, and keeps the other
// options. It needs no file, since a container's disk may be read-only, and Node
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

// ParseVitals parses a message of the preload. It is not ok unless every value is
// there and plausible: the app can send such messages, too.
func ParseVitals(line json.RawMessage) (status.Vitals, status.Totals, bool) {
	m, err := parse(line)
	if err != nil {
		return status.Vitals{}, status.Totals{}, false
	}
	r := vitalsReader{fields: m.fields}
	v := status.Vitals{
		P50: r.float("p50"), P95: r.float("p95"), P99: r.float("p99"),
		HeapUsed: r.whole("used"), HeapReserved: r.whole("reserved"), HeapLimit: r.whole("limit"),
		Handles: int(r.whole("handles")), Requests: int(r.whole("requests")),
	}
	t := status.Totals{Delay: r.float("delay"), Ticks: uint64(r.whole("ticks")), Pause: r.float("pause"), Pauses: uint64(r.whole("pauses"))}
	if r.bad {
		return status.Vitals{}, status.Totals{}, false
	}
	return v, t, true
}

// vitalsReader reads numbers; bad is set once one of them is not plausible.
type vitalsReader struct {
	fields fields
	bad    bool
}

// maxVital is above every plausible value, and an exact integer in JavaScript.
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
