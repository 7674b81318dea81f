package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorun/supervisor/status"
)

// appView is an app as the page shows it.
type appView struct {
	Index   int
	Name    string
	Summary summary
	About   string
	Blocked string
	Workers []workerView
	Queues  []queueView
}

// workerView is a row of the table.
type workerView struct {
	ID, Instance int
	State        string
	Level        level
	Next         string // when the next start comes
	Ready        string
	Up           string
	Restarts     uint64
	Exit         exitView
	Usage        usageView
}

// Class is the row's class in the style sheet, by which a small screen leaves out the
// usage of a worker without a process, and restarts and exit of a worker that has none.
func (w workerView) Class() string {
	switch {
	case w.Up == none:
		return "off"
	case w.Restarts == 0 && w.Exit.Text == "":
		return "fresh"
	}
	return ""
}

// exitView is a worker's last exit; the zero value: none.
type exitView struct {
	Text, Ago string
	At        time.Time
	Level     level
}

// queueView is an address with the accept queue of each worker.
type queueView struct {
	Address string
	Relayed uint64
	Limit   int
	Workers []status.Port
}

func newAppView(app status.App, limit int64, now time.Time) appView {
	shown := appView{Name: shorten(app.Name, nameLimit), Summary: summarizeApp(app), About: about(app), Blocked: shorten(app.Blocked, textLimit)}
	top := memoryTop(app, limit)
	for _, w := range app.Workers {
		shown.Workers = append(shown.Workers, newWorkerView(w, top, now))
	}
	for _, port := range app.Ports {
		shown.Queues = addQueue(shown.Queues, port)
	}
	for i, queue := range shown.Queues {
		for _, relay := range app.Relays {
			if relay.Address == queue.Address {
				shown.Queues[i].Relayed += relay.Connections
			}
		}
	}
	return shown
}

// about describes the app without its command line.
func about(app status.App) string {
	var parts []string
	if app.Namespace != "" && app.Namespace != "default" {
		parts = append(parts, shorten(app.Namespace, nameLimit))
	}
	parts = append(parts, app.Mode)
	if app.MemoryLimit > 0 {
		parts = append(parts, "restarts above "+status.Bytes(app.MemoryLimit))
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " · ")
}

// memoryTop is what a full memory chart stands for: a limit where there is one,
// else a bit more than the largest worker uses.
func memoryTop(app status.App, limit int64) int64 {
	if app.MemoryLimit > 0 {
		return app.MemoryLimit
	}
	largest := int64(0)
	for _, w := range app.Workers {
		largest = max(largest, w.Usage.Resident)
	}
	if top := largest * 5 / 4; limit == 0 || top < limit {
		return max(top, 1)
	}
	return limit
}

func newWorkerView(w status.Worker, top int64, now time.Time) workerView {
	shown := workerView{
		ID: w.ID, Instance: w.Instance, State: w.State.String(), Level: levelOf(w), Ready: none, Up: none,
		Usage: newUsageView(w, top, now),
	}
	shown.Restarts = w.Restarted()
	if w.Ready {
		shown.Ready = "ready"
	} else if w.Pid != 0 {
		shown.Ready = "not ready"
	}
	if w.Pid != 0 {
		shown.Up = ago(w.Started, now)
	}
	switch next := w.NextStart(); {
	case w.CrashLooping():
		shown.Next = w.Outlook(now)
	case !next.IsZero():
		shown.Next = "again in " + age(next.Sub(now)+time.Second)
	}
	if exit := w.LastExit; exit != nil {
		shown.Exit = exitView{Text: shorten(exit.Text, textLimit), Ago: ago(exit.At, now), At: exit.At.UTC(), Level: failing}
		if exit.Outcome == status.Clean || w.State == status.Online {
			shown.Exit.Level = idle
		}
	}
	return shown
}

// addQueue adds a worker's queue to those at its address.
func addQueue(queues []queueView, port status.Port) []queueView {
	for i := range queues {
		if queues[i].Address == port.Address {
			queues[i].Limit = max(queues[i].Limit, port.Limit)
			queues[i].Workers = append(queues[i].Workers, port)
			return queues
		}
	}
	return append(queues, queueView{Address: port.Address, Limit: port.Limit, Workers: []status.Port{port}})
}

// Relays is how many connections gorun has relayed.
func (q queueView) Relays() string {
	if q.Relayed == 0 {
		return ""
	}
	return fmt.Sprintf("%d relayed by gorun", q.Relayed)
}
