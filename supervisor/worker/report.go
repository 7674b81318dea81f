package worker

import (
	"context"
	"log/slog"
	"time"

	"gorun/supervisor/restart"
	"gorun/supervisor/status"
)

// reportEnd logs an end in one block: who, how, its last words, what
// happens next and when, and a hint where there is one.
func (w *Worker) reportEnd(ended end, decision restart.Decision) {
	exit := w.status.LastExit
	facts := []any{"worker", w.name, "exit", exit.Text}
	if ended.Pid != 0 {
		facts = append(facts, "pid", ended.Pid, "uptime", exit.Uptime.Round(time.Millisecond))
	}
	level := slog.LevelInfo
	if exit.Outcome != status.Clean || decision.Verdict == restart.GiveUp {
		level = slog.LevelError
		if text := hint(ended.Tail, w.spec.Port); text != "" {
			facts = append(facts, "hint", text)
		}
		facts = append(facts, "lines", ended.Tail)
	}
	facts = append(facts, "next", decision.String())
	w.deps.Record(status.Event{App: w.status.App, Instance: w.status.Instance, Kind: "exit", Text: "exit " + exit.Text + ", " + decision.String()})
	w.deps.Log.Log(context.Background(), level, "worker exited", facts...)
}
