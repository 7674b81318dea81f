package supervisor

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"gorun/supervisor/node"
	"gorun/supervisor/status"
)

// figures is what the run of a Node worker tells of itself over its channel. The
// channel's reading goroutine owns it; others get what is published.
type figures struct {
	counts  *counts // of all runs of the worker
	customs node.CustomMetrics
	totals  status.Totals

	custom atomic.Pointer[[]status.Custom]
	report atomic.Pointer[report]
}

// report is what the preload has said last.
type report struct {
	vitals status.Vitals
	at     time.Time
}

func (f *figures) hearCustom(message json.RawMessage) {
	all := f.customs.Update(message)
	f.custom.Store(&all)
}

func (f *figures) hearVitals(message json.RawMessage) {
	vitals, totals, ok := node.ParseVitals(message)
	if !ok {
		return // not the preload's
	}
	f.counts.add(totals.Since(f.totals))
	f.totals = totals
	f.report.Store(&report{vitals, time.Now()})
}

// tell adds what the process tells of itself to its worker's status.
func (l *link) tell(w *status.Worker) {
	w.Notice = l.said()
	if all := l.figures.custom.Load(); all != nil {
		w.Custom = *all
	}
	// Without its channel it may be well and yet say nothing.
	if last := l.figures.report.Load(); last != nil && !closed(l.channel.Closed()) {
		vitals := last.vitals.After(time.Since(last.at))
		w.Vitals = &vitals
	}
}

// counts adds up what all runs of a worker have counted, so that it never falls.
// Safe for concurrent use: two runs may overlap.
type counts struct {
	mu  sync.Mutex
	sum status.Totals
}

func (c *counts) add(more status.Totals) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum = c.sum.Plus(more)
}

func (c *counts) total() status.Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum
}
