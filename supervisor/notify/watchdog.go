package notify

import (
	"sync"
	"time"
)

// Watchdog expires when a program does not report for too long that it is alive,
// see sd_notify(3). The zero value does not run.
type Watchdog struct {
	mu      sync.Mutex
	period  time.Duration
	changed bool        // the program has set the period
	expired func()      // nil: it does not run
	timer   *time.Timer // nil: it cannot expire
}

// Start begins to wait: expired is called when period has passed without KeepAlive, or what
// the program has put in its place. A period of 0 never expires.
func (w *Watchdog) Start(period time.Duration, expired func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.changed {
		w.period = period
	}
	w.expired = expired
	w.begin()
}

// Change sets another period, and begins it if the watchdog runs: WATCHDOG_USEC has come.
func (w *Watchdog) Change(period time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.period, w.changed = period, true
	w.begin()
}

// Period is how long the program may be silent.
func (w *Watchdog) Period() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.period
}

func (w *Watchdog) begin() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if w.expired != nil && w.period > 0 {
		w.timer = time.AfterFunc(w.period, w.expired)
	}
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
	w.expired = nil
	w.begin()
}
