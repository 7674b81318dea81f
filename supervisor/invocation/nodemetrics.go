package invocation

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"gorun/supervisor/node"
	"gorun/supervisor/status"
)

// nodeMetrics is what the run of a Node worker reports over its channel. The
// channel's reading goroutine owns it; others get what is published.
type nodeMetrics struct {
	count   func(status.Totals) // adds to those of all runs of the worker
	customs node.Customs
	totals  status.Totals

	custom atomic.Pointer[[]status.Custom]
	report atomic.Pointer[report]
}

// report is what the preload has sent last.
type report struct {
	vitals status.Vitals
	at     time.Time
}

func (m *nodeMetrics) receiveCustom(message json.RawMessage) {
	all := m.customs.Hear(message)
	m.custom.Store(&all)
}

func (m *nodeMetrics) receiveVitals(message json.RawMessage) {
	vitals, totals, ok := node.ParseVitals(message)
	if !ok {
		return // not the preload's
	}
	m.count(totals.Since(m.totals))
	m.totals = totals
	m.report.Store(&report{vitals, time.Now()})
}

// AddTo adds what the process reports to its worker's status. Anybody may call it.
func (i *Invocation) AddTo(w *status.Worker) {
	e := i.endpoint
	if e == nil {
		return
	}
	w.Notice = e.notify.statusText()
	if all := e.metrics.custom.Load(); all != nil {
		w.Custom = *all
	}
	// Without its channel it may be well and yet report nothing.
	if last := e.metrics.report.Load(); last != nil && !isClosed(e.channel.Closed()) {
		vitals := last.vitals.After(time.Since(last.at))
		w.Vitals = &vitals
	}
}
