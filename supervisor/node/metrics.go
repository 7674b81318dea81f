package node

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"gorun/supervisor/status"
)

// Metrics is what a Node process reports of itself over its channel. Receive belongs
// to the channel's reading goroutine; others get what is published.
type Metrics struct {
	Count   func(status.Totals) // adds to those of all processes of the worker
	customs CustomMetrics
	totals  status.Totals

	custom atomic.Pointer[[]status.Custom]
	vitals atomic.Pointer[vitalsReport]
}

// vitalsReport is what the preload has sent last.
type vitalsReport struct {
	vitals status.Vitals
	at     time.Time
}

// Receive takes a message, and reports whether it was one of metrics.
func (m *Metrics) Receive(message json.RawMessage) bool {
	switch TypeOf(message) {
	case TypeCustom:
		all := m.customs.Update(message)
		m.custom.Store(&all)
	case TypeVitals:
		vitals, totals, ok := ParseVitals(message)
		if !ok {
			return true // not the preload's
		}
		m.Count(totals.Since(m.totals))
		m.totals = totals
		m.vitals.Store(&vitalsReport{vitals, time.Now()})
	default:
		return false
	}
	return true
}

// AddTo adds what the process has reported to its worker's status. Without its channel
// it may be well and yet report nothing.
func (m *Metrics) AddTo(w *status.Worker, channel *Channel) {
	if all := m.custom.Load(); all != nil {
		w.Custom = *all
	}
	if last := m.vitals.Load(); last != nil && !channel.isClosed() {
		vitals := last.vitals.After(time.Since(last.at))
		w.Vitals = &vitals
	}
}

func (c *Channel) isClosed() bool {
	select {
	case <-c.Closed():
		return true
	default:
		return false
	}
}

// Counter adds up what Node has counted in all processes of a worker, so that it never
// falls. Safe for concurrent use: two of them may overlap.
type Counter struct {
	mu  sync.Mutex
	sum status.Totals
}

// Add adds what came to the totals of one process.
func (c *Counter) Add(more status.Totals) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum = c.sum.Plus(more)
}

// Sum is what all of them have counted.
func (c *Counter) Sum() status.Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum
}
