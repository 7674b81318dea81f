package record

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"gorun/supervisor/hooks"
	"gorun/supervisor/restart"
	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// Report logs an end in one block: who, how, its last words, what happens next and
// when, and a hint where there is one. Hooks hear of it, too: nobody has asked for it.
func (r *Record) Report(conf *spec.App, ended End, decision restart.Decision) {
	exit := r.Status.LastExit
	facts := []any{"worker", r.Name, "exit", exit.Text}
	if ended.Pid != 0 {
		facts = append(facts, "pid", ended.Pid, "uptime", exit.Uptime.Round(time.Millisecond))
	}
	level := slog.LevelInfo
	if exit.Outcome != status.Clean || decision.Verdict == restart.GiveUp {
		level = slog.LevelError
		if text := hint(ended.Tail, conf.Port, r.notifier.sharedBy); text != "" {
			facts = append(facts, "hint", text)
		}
		facts = append(facts, "lines", ended.Tail)
	}
	next := r.notifier.nextAction(conf, decision)
	facts = append(facts, "next", next)
	if decision.Verdict == restart.GiveUp && decision.Delay > 0 && !conf.Critical {
		facts = append(facts, "errored_retry", decision.Delay) // if gorun still runs then
	}
	news := "exit " + exit.Text + ", " + next
	if ended.NotReady != nil {
		news += "; " + ended.NotReady.Error()
	}
	r.notifier.journal("exit", news)
	r.deps.Log.Log(context.Background(), level, "worker exited", facts...)
	event := eventOf(ended, exit)
	event.Next = next
	r.notifier.dispatch(conf, hooks.Exit, event)
	if decision.Verdict == restart.GiveUp {
		r.notifier.dispatch(conf, hooks.GiveUp, event)
	}
}

// hint explains the last lines of a process where it can: an address in use, and by
// whom; a Node that is too old for its preload.
func hint(tail []string, port int, sharedBy func(port int) string) string {
	for _, line := range tail {
		if strings.HasSuffix(line, "--import is not allowed in NODE_OPTIONS") {
			return "node_metrics takes Node 18.18 or newer"
		}
	}
	return sockets.ExplainInUse(tail, port, sharedBy)
}
