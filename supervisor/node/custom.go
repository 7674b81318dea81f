package node

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/status"
)

// Types of the messages that an app, or a module of it, sends to gorun.
const (
	TypeCustom  = "axm:monitor"               // @pm2/io's, every second
	TypeVitals  = "gorun:metrics"             // the preload's
	TypeMetrics = "prom-client:getMetricsRes" // to MetricsRequest
	TypesOfPM2  = "axm:"                      // begins those of @pm2/io
)

// IsObject reports whether a message is an object.
func IsObject(line json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimLeft(line, " \t\r\n"), []byte{'{'})
}

// LibraryOf names the library whose workers send a message to each other, by a primary of
// its own; "": none that is known.
func LibraryOf(line json.RawMessage) string {
	m, err := parse(line)
	switch {
	case err != nil:
		return ""
	case m.fields.text("topic") == "log4js:message":
		return "log4js"
	case m.fields.text("source") == "_sio_adapter", m.fields["_sio_adapter"] != nil:
		return "socket.io"
	}
	return ""
}

// TypeOf returns the type of a message that is an object, "" of any other.
func TypeOf(line json.RawMessage) string {
	m, err := parse(line)
	if err != nil {
		return ""
	}
	return m.fields.text("type")
}

// Bounds of an app's custom metrics; those beyond them are left out.
const (
	maxCustom     = 200 // metrics
	maxCustomName = 100 // bytes
	maxCustomUnit = 20  // bytes
)

// CustomMetrics has the last value of each custom metric of an app. The zero value
// has none. It belongs to one goroutine.
type CustomMetrics struct{ last map[string]status.Custom }

// Update applies an axm:monitor message, and returns all metrics, sorted by name.
// Values that are no numbers are left out.
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
	v, unit, ok := parseValue(f["value"])
	if given := f.text("unit"); given != "" {
		unit = given
	}
	if len(unit) > maxCustomUnit {
		return status.Custom{}, false
	}
	return status.Custom{Name: name, Unit: unit, Value: v}, ok
}

const numerals = "+-.0123456789"

// parseValue parses a number, or a text of a number and its unit: 12.4ms.
func parseValue(raw json.RawMessage) (value float64, unit string, ok bool) {
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

// number parses a finite number of these characters: ParseFloat alone would accept
// more, such as 0x1p-2.
func number(words, characters string) (float64, bool) {
	if strings.ContainsFunc(words, func(r rune) bool { return !strings.ContainsRune(characters, r) }) {
		return 0, false
	}
	v, err := strconv.ParseFloat(words, 64)
	return v, err == nil
}
