package invocation

import (
	"encoding/json"
	"slices"
	"strings"

	"gorun/supervisor/node"
	"gorun/supervisor/status"
)

// receive takes a message of the app, or of a library that it has loaded.
func (e *endpoint) receive(message json.RawMessage) {
	if string(message) == `"ready"` {
		e.reports.markReady()
		return
	}
	switch node.TypeOf(message) {
	case node.TypeCustom:
		e.metrics.receiveCustom(message)
	case node.TypeVitals:
		e.metrics.receiveVitals(message)
	case node.TypeMetrics:
		e.requests.answer(message)
	default:
		e.record(status.Event{Kind: "message", Text: shorten(string(message)), Data: small(message)})
	}
}

// dataLimit is how much of a message an event keeps, in bytes.
const dataLimit = 16 << 10

// small is the message if it can be kept a thousand times.
func small(message json.RawMessage) json.RawMessage {
	if len(message) > dataLimit {
		return nil
	}
	return slices.Clone(message)
}

// textLimit is how much of a message an event shows to people, in bytes.
const textLimit = 200

func shorten(text string) string {
	if len(text) <= textLimit {
		return text
	}
	return strings.ToValidUTF8(text[:textLimit], "") + "…"
}
