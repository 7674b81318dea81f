package web

import (
	"fmt"
	"time"

	"gorun/supervisor/status"
)

// level is a health level, shown as a colour and never without a word.
type level int

const (
	idle level = iota // not meant to run, or done
	healthy
	pending // starting, stopping, not ready
	failing
)

// String returns the level's class in the style sheet.
func (l level) String() string {
	return [...]string{"idle", "healthy", "pending", "failing"}[l]
}

// Mark returns the level as a sign for the browser's title bar.
func (l level) Mark() string {
	return [...]string{"✓", "✓", "…", "✗"}[l]
}

// Icon returns a dot in the level's colour, as a URL.
func (l level) Icon() string {
	color := [...]string{"2e9e65", "2e9e65", "d08a13", "d8453a"}[l]
	return "data:image/svg+xml,%3Csvg%20xmlns=%27http://www.w3.org/2000/svg%27%20viewBox=%270%200%208%208%27%3E%3Ccircle%20cx=%274%27%20cy=%274%27%20r=%273.5%27%20fill=%27%23" + color + "%27/%3E%3C/svg%3E"
}

// summary is a health level and its reason.
type summary struct {
	Level level
	Text  string
}

// Title is the summary for the browser's title bar.
func (s summary) Title() string { return s.Level.Mark() + " " + s.Text }

// summarize returns the summary of the app with the worst level.
func summarize(snapshot status.Snapshot) summary {
	if snapshot.ShuttingDown {
		return summary{pending, "gorun: stopping"}
	}
	worst, others := summary{healthy, "gorun: " + status.Plural(len(snapshot.Apps), "app")}, 0
	for _, app := range snapshot.Apps {
		one := summarizeApp(app)
		switch {
		case one.Level > worst.Level:
			worst, others = summary{one.Level, shorten(app.Name, nameLimit) + ": " + one.Text}, 0
		case one.Level == worst.Level && one.Level > healthy:
			others++
		}
	}
	if others > 0 {
		worst.Text += fmt.Sprintf(", and %d more", others)
	}
	return worst
}

func summarizeApp(app status.App) summary {
	online, unready, worst := app.Online(), 0, idle
	for _, w := range app.Workers {
		worst = max(worst, levelOf(w))
		if w.State == status.Online && !w.Ready {
			unready++
		}
	}
	count := fmt.Sprintf("%d of %d online", online, max(app.Desired, online))
	switch {
	case worst == failing:
		return summary{failing, count}
	case app.Blocked != "":
		return summary{pending, "waiting"}
	case !app.NextRun.IsZero():
		return summary{idle, app.Waiting(time.Now())}
	case app.Completed:
		return summary{idle, "completed"}
	case app.NotStarted:
		return summary{idle, "not started"}
	case app.StoppedByOperator && online == 0:
		return summary{idle, "stopped"}
	case unready > 0:
		return summary{pending, fmt.Sprintf("%s, %d not ready", count, unready)}
	case worst == pending, online < app.Desired:
		return summary{pending, count}
	case app.Desired == 0:
		return summary{idle, "no workers"}
	}
	return summary{healthy, count}
}

func levelOf(w status.Worker) level {
	switch w.State {
	case status.Online:
		if !w.Ready || w.CrashLooping() {
			return pending
		}
		return healthy
	case status.Launching, status.Stopping:
		return pending
	case status.WaitingRestart, status.Errored:
		return failing
	case status.Stopped:
	}
	return idle
}
