package node

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gorun/supervisor/status"
)

func monitor(data string) json.RawMessage {
	return json.RawMessage(`{"type":"axm:monitor","data":` + data + `}`)
}

func TestFiguresOfAnAppAreRead(t *testing.T) {
	tests := []struct {
		name, data string
		want       []status.Custom
	}{
		{"a number", `{"Users":{"historic":true,"unit":"users","value":12.5}}`, []status.Custom{{Name: "Users", Unit: "users", Value: 12.5}}},
		{"no unit", `{"Requests":{"historic":true,"value":3}}`, []status.Custom{{Name: "Requests", Unit: "", Value: 3}}},
		{"a text", `{"Heap":{"unit":"MiB","type":"internal/v8/heap/used","value":"6.58"}}`, []status.Custom{{Name: "Heap", Unit: "MiB", Value: 6.58}}},
		{"a text with its unit", `{"lag":{"value":"12.4ms"},"rate":{"value":"-1.5 req/min"}}`, []status.Custom{{Name: "lag", Unit: "ms", Value: 12.4}, {Name: "rate", Unit: "req/min", Value: -1.5}}},
		{"the unit given goes first", `{"lag":{"value":"12.4ms","unit":"s"}}`, []status.Custom{{Name: "lag", Unit: "s", Value: 12.4}}},
		{"an exponent", `{"n":{"value":1e21},"m":{"value":"2E-3"}}`, []status.Custom{{Name: "m", Unit: "", Value: .002}, {Name: "n", Unit: "", Value: 1e21}}},
		{"no number", `{"a":{"value":"NaN"},"b":{"value":{}},"c":{"value":null},"d":{"value":"3 of 4"},"e":{"value":"0x10"},"f":{"value":true},"g":{"value":[1]}}`, nil},
		{"no figure", `{"a":1,"b":null,"c":"12","d":[],"e":{}}`, nil},
		{"beyond a float", `{"a":{"value":1e999},"b":{"value":"1e999"},"c":{"value":"Infinity"},"d":{"value":""}}`, nil},
		{"no name, or too long a one", `{"":{"value":1},"` + strings.Repeat("x", maxCustomName+1) + `":{"value":1},"u":{"value":1,"unit":"` + strings.Repeat("x", maxCustomUnit+1) + `"}}`, nil},
		{"no data", `7`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c CustomMetrics
			if got := c.Update(monitor(tt.data)); !slices.Equal(got, tt.want) {
				t.Errorf("%s gives %v, want %v", tt.data, got, tt.want)
			}
		})
	}
}

func TestTheLastValueOfEachFigureIsKept(t *testing.T) {
	var c CustomMetrics
	c.Update(monitor(`{"a":{"value":1},"b":{"value":2}}`))
	got := c.Update(monitor(`{"b":{"value":"3s"},"a":{"value":"?"}}`))
	if want := []status.Custom{{Name: "a", Unit: "", Value: 1}, {Name: "b", Unit: "s", Value: 3}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFiguresAreBounded(t *testing.T) {
	data := map[string]any{}
	for i := range 10 * maxCustom {
		data[fmt.Sprint("n", i)] = map[string]any{"value": i}
	}
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	var c CustomMetrics
	if n := len(c.Update(monitor(string(text)))); n != maxCustom {
		t.Errorf("%d figures are kept, want %d", n, maxCustom)
	}
	if got := c.Update(monitor(`{"n0":{"value":7}}`)); len(got) != maxCustom || got[0].Value != 7 {
		t.Errorf("a known figure is %v among %d, want it to change", got[0], len(got))
	}
}

func TestTypesOfMessages(t *testing.T) {
	for line, want := range map[string]string{
		`{"data":{},"type":"axm:monitor"}`: TypeCustom, `{"type":"gorun:metrics"}`: TypeVitals, `"axm:monitor"`: "",
		`{"type":7}`: "", `{"TYPE":"axm:monitor"}`: "", `[`: "", `{`: "",
	} {
		if got := TypeOf(json.RawMessage(line)); got != want {
			t.Errorf("TypeOf(%s) = %q, want %q", line, got, want)
		}
	}
}

// wantHarmless fails the test if a line gives figures that cannot be served.
func wantHarmless(t *testing.T, line []byte) {
	t.Helper()
	var c CustomMetrics
	for range 2 {
		for _, one := range c.Update(line) {
			if math.IsNaN(one.Value) || math.IsInf(one.Value, 0) || one.Name == "" || len(one.Name) > maxCustomName || len(one.Unit) > maxCustomUnit {
				t.Errorf("%s gives %+v", line, one)
			}
		}
	}
	v, totals, ok := ParseVitals(line)
	for _, n := range []float64{v.P50, v.P95, v.P99, float64(v.HeapUsed), float64(v.Handles), totals.Delay, totals.Pause} {
		if !(n >= 0 && n <= maxVital) || !ok && n != 0 {
			t.Errorf("%s gives %+v, %+v, %v", line, v, totals, ok)
		}
	}
	MetricsAnswered(line)
	TypeOf(line)
}
