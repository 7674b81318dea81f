package node

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/status"
)

// Types of the messages that an app, or what it has loaded, sends to gorun.
const (
	TypeCustom  = "axm:monitor"               // @pm2/io's, every second
	TypeVitals  = "gorun:metrics"             // the preload's
	TypeMetrics = "prom-client:getMetricsRes" // to MetricsRequest
)

// TypeOf returns the type of a message that is an object, "" of any other.
func TypeOf(line json.RawMessage) string {
	m, err := parse(line)
	if err != nil {
		return ""
	}
	return m.fields.text("type")
}

// Bounds of what an app reports of itself; what is beyond them is left out.
const (
	maxCustom     = 200 // figures
	maxCustomName = 100 // bytes
	maxCustomUnit = 20  // bytes
)

// Customs has the last value of each figure that an app has reported. The zero
// value has none. It has one owner.
type CustomMetrics struct{ last map[string]status.Custom }

// Hear takes an axm:monitor message, and returns all figures, by name. What is no
// number is left out.
func (c *CustomMetrics) Update(line json.RawMessage) []status.Custom {
	m, err := parse(line)
	var data fields
	if err != nil || json.Unmarshal(m.fields["data"], &data) != nil {
		return c.all()
	}
	if c.last == nil {
		c.last = map[string]status.Custom{}
	}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		one, ok := customOf(name, data[name])
		if _, known := c.last[name]; ok && (known || len(c.last) < maxCustom) {
			c.last[name] = one
		}
	}
	return c.all()
}

func (c *CustomMetrics) all() []status.Custom {
	all := make([]status.Custom, 0, len(c.last))
	for _, name := range slices.Sorted(maps.Keys(c.last)) {
		all = append(all, c.last[name])
	}
	return all
}

// customOf reads {value, unit}.
func customOf(name string, raw json.RawMessage) (status.Custom, bool) {
	var f fields
	if name == "" || len(name) > maxCustomName || json.Unmarshal(raw, &f) != nil {
		return status.Custom{}, false
	}
	v, unit, ok := figure(f["value"])
	if given := f.text("unit"); given != "" {
		unit = given
	}
	if len(unit) > maxCustomUnit {
		return status.Custom{}, false
	}
	return status.Custom{Name: name, Unit: unit, Value: v}, ok
}

const numerals = "+-.0123456789"

// figure reads a number, or a text that begins with one and may go on with its
// unit: 12.4ms.
func figure(raw json.RawMessage) (value float64, unit string, ok bool) {
	words := string(raw)
	if strings.HasPrefix(words, `"`) {
		if json.Unmarshal(raw, &words) != nil {
			return 0, "", false
		}
		words = strings.TrimSpace(words)
	}
	if value, ok = number(words, numerals+"eE"); ok {
		return value, "", true
	}
	digits := strings.TrimLeft(words, numerals)
	value, ok = number(words[:len(words)-len(digits)], numerals)
	return value, strings.TrimSpace(digits), ok && !strings.ContainsAny(digits, "0123456789")
}

// number reads a finite number of these characters, without Go's freedoms.
func number(words, characters string) (float64, bool) {
	if strings.ContainsFunc(words, func(r rune) bool { return !strings.ContainsRune(characters, r) }) {
		return 0, false
	}
	v, err := strconv.ParseFloat(words, 64)
	return v, err == nil
}
