package supervisor

import (
	"context"
	"log/slog"
	"time"

	"gorun/supervisor/notify"
)

// awaitReady says once that every app has been ready. With the line in the log the
// start is over, and its memory given back.
func (s *Supervisor) awaitReady(ctx context.Context) {
	begun := time.Now()
	for _, a := range s.apps.all() {
		if !a.AwaitReady(ctx) {
			return
		}
	}
	taken := time.Since(begun)
	s.parent.notify("READY=1")
	if s.options.Trim != nil {
		if err := s.options.Trim(); err != nil {
			s.log.Debug("memory of the start is kept", "error", err)
		}
	}
	s.log.Info("ready", "in", taken.Round(time.Millisecond))
}

// parent is whoever runs gorun, and may want to know how it is: see sd_notify(3).
type parent struct {
	socket string // "": nobody asks
	log    *slog.Logger
}

// notify reports how gorun is.
func (p parent) notify(line string) {
	if err := notify.Send(p.socket, line); err != nil {
		p.log.Warn("cannot write to NOTIFY_SOCKET", "line", line, "error", err)
	}
}
