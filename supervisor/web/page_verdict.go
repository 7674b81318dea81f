package web

import (
	"fmt"
	"html/template"

	"gorun/supervisor/status"
)

// mood is how something is to be taken: a colour, never without a word.
type mood int

const (
	calm mood = iota // nothing to do
	good
	busy // on its way
	bad
)

// String returns the mood's class in the style sheet.
func (m mood) String() string {
	return [...]string{"calm", "good", "busy", "bad"}[m]
}

// Mark returns the mood as a sign that a title can carry.
func (m mood) Mark() string {
	return [...]string{"✓", "✓", "…", "✗"}[m]
}

// Icon returns a dot in the mood's colour.
func (m mood) Icon() template.URL {
	color := [...]string{"2e9e65", "2e9e65", "d08a13", "d8453a"}[m]
	return template.URL("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='3.5' fill='%23" + color + "'/%3E%3C/svg%3E")
}

// verdict is a mood and what it is for.
type verdict struct {
	Mood mood
	Text string
}

// Title is the verdict as the browser's title bar shows it.
func (v verdict) Title() string { return v.Mood.Mark() + " " + v.Text }

// judgeAll tells the worst of all apps.
func judgeAll(snapshot status.Snapshot) verdict {
	if snapshot.ShuttingDown {
		return verdict{busy, "gorun: stopping"}
	}
	worst, others := verdict{good, "gorun: " + plural(len(snapshot.Apps), "app")}, 0
	for _, app := range snapshot.Apps {
		one := judgeOne(app)
		switch {
		case one.Mood > worst.Mood:
			worst, others = verdict{one.Mood, shorten(app.Name, nameLimit) + ": " + one.Text}, 0
		case one.Mood == worst.Mood && one.Mood > good:
			others++
		}
	}
	if others > 0 {
		worst.Text += fmt.Sprintf(", and %d more", others)
	}
	return worst
}

// judgeOne tells how an app does.
func judgeOne(app status.App) verdict {
	online, unready, worst := app.Online(), 0, calm
	for _, w := range app.Workers {
		worst = max(worst, moodOf(w))
		if w.State == status.Online && !w.Ready {
			unready++
		}
	}
	count := fmt.Sprintf("%d of %d online", online, max(app.Desired, online))
	switch {
	case worst == bad:
		return verdict{bad, count}
	case app.Blocked != "":
		return verdict{busy, "waiting"}
	case app.Completed:
		return verdict{calm, "completed"}
	case app.Resting:
		return verdict{calm, "not started"}
	case app.StoppedByOperator && online == 0:
		return verdict{calm, "stopped"}
	case unready > 0:
		return verdict{busy, fmt.Sprintf("%s, %d not ready", count, unready)}
	case worst == busy, online < app.Desired:
		return verdict{busy, count}
	case app.Desired == 0:
		return verdict{calm, "no workers"}
	}
	return verdict{good, count}
}

func moodOf(w status.Worker) mood {
	switch w.State {
	case status.Online:
		if !w.Ready {
			return busy
		}
		return good
	case status.Launching, status.Stopping:
		return busy
	case status.WaitingRestart, status.Errored:
		return bad
	case status.Stopped:
	}
	return calm
}
