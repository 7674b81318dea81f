package supervisor

import (
	"context"
	"log/slog"
	"time"

	"gorun/supervisor/notify"
	"gorun/supervisor/restart"
	"gorun/supervisor/status"
)

// tellReady says once that every app has been ready. With the line in the log the
// start is over, and its memory given back.
func (s *Supervisor) tellReady(ctx context.Context) {
	begun := time.Now()
	for _, a := range s.apps() {
		if !a.awaitReady(ctx) {
			return
		}
	}
	taken := time.Since(begun)
	s.notify("READY=1")
	if s.options.Trim != nil {
		if err := s.options.Trim(); err != nil {
			s.tools.log.Debug("memory of the start is kept", "error", err)
		}
	}
	s.tools.log.Info("ready", "in", taken.Round(time.Millisecond))
}

// notify tells whoever runs gorun how it is, see sd_notify(3).
func (s *Supervisor) notify(line string) {
	if err := notify.Send(s.options.NotifySocket, line); err != nil {
		s.tools.log.Warn("cannot tell NOTIFY_SOCKET", "line", line, "error", err)
	}
}

// reportEnd tells of an end in one block: who, how, its last words, what
// happens next and when, and a hint where there is one.
func (w *worker) reportEnd(end ended, next restart.Decision) {
	exit := w.status.LastExit
	facts := []any{"worker", w.name, "exit", exit.Text}
	if end.pid != 0 {
		facts = append(facts, "pid", end.pid, "uptime", exit.Uptime.Round(time.Millisecond))
	}
	level := slog.LevelInfo
	if exit.Outcome != status.Clean || next.Verdict == restart.GiveUp {
		level = slog.LevelError
		if text := hint(end.tail, w.app.Port); text != "" {
			facts = append(facts, "hint", text)
		}
		facts = append(facts, "lines", end.tail)
	}
	facts = append(facts, "next", whatNext(next))
	w.tools.journal.note(status.Event{App: w.status.App, Instance: w.status.Instance, Kind: "exit", Text: "exit " + exit.Text + ", " + whatNext(next)})
	w.tools.log.Log(context.Background(), level, "worker exited", facts...)
}

func whatNext(next restart.Decision) string {
	switch next.Verdict {
	case restart.Rest:
		return "stays stopped"
	case restart.GiveUp:
		return "given up: errored"
	case restart.Retry:
	}
	if next.Delay == 0 {
		return "restart now"
	}
	return "restart in " + next.Delay.Round(time.Millisecond).String()
}
