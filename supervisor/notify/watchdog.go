package notify

import (
	"sync"
	"time"
)

// Watchdog expires when a program does not report for too long that it is alive,
// see sd_notify(3). The zero value does not run.
type Watchdog struct {
	mu     sync.Mutex
	period time.Duration
	timer  *time.Timer // nil: it does not run
}

// Start begins to wait: expired is called when period has passed without KeepAlive. A
// period of 0 never expires.
func (w *Watchdog) Start(period time.Duration, expired func()) {
	w.Stop()
	if period <= 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.period, w.timer = period, time.AfterFunc(period, expired)
}

// KeepAlive begins the period anew: WATCHDOG=1 has come.
func (w *Watchdog) KeepAlive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Reset(w.period)
	}
}

// Stop ends the wait.
func (w *Watchdog) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}
