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
	Verdict verdict
	About   string
	Held    string
	Workers []workerView
	Queues  []queueView
}

// workerView is a row of the table.
type workerView struct {
	ID, Instance int
	State        string
	Mood         mood
	Next         string // when it is tried again
	Ready        string
	Up           string
	Restarts     uint64
	Exit         exitView
	Use          usageView
}

// Class says what a small screen may leave out: the use of a worker without a
// process, the past of one that has none.
func (w workerView) Class() string {
	switch {
	case w.Up == none:
		return "off"
	case w.Restarts == 0 && w.Exit.Text == "":
		return "fresh"
	}
	return ""
}

// exitView is how a worker ended last; the zero value: never.
type exitView struct {
	Text, Ago string
	At        time.Time
	Mood      mood
}

// queueView is an address with the accept queue of each worker.
type queueView struct {
	Address string
	Relayed uint64
	Limit   int
	Workers []status.Port
}

func appOf(app status.App, limit int64, now time.Time) appView {
	shown := appView{Name: shorten(app.Name, nameLimit), Verdict: judgeOne(app), About: about(app), Held: shorten(app.Blocked, textLimit)}
	top := memoryTop(app, limit)
	for _, w := range app.Workers {
		shown.Workers = append(shown.Workers, workerOf(w, top, now))
	}
	for _, port := range app.Ports {
		shown.Queues = queueUp(shown.Queues, port)
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

// about tells what kind of app it is: nothing of its command line.
func about(app status.App) string {
	var facts []string
	if app.Namespace != "" && app.Namespace != "default" {
		facts = append(facts, shorten(app.Namespace, nameLimit))
	}
	facts = append(facts, app.Mode)
	if app.MemoryLimit > 0 {
		facts = append(facts, "restarts above "+bytesText(app.MemoryLimit))
	}
	return strings.Join(slices.DeleteFunc(facts, func(fact string) bool { return fact == "" }), " · ")
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

func workerOf(w status.Worker, top int64, now time.Time) workerView {
	shown := workerView{
		ID: w.ID, Instance: w.Instance, State: w.State.String(), Mood: moodOf(w), Ready: none, Up: none,
		Use: useOf(w, top, now),
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
	if w.State == status.WaitingRestart && w.Backoff > 0 {
		shown.Next = "again in " + age(w.Backoff-now.Sub(w.Since)+time.Second)
	}
	if exit := w.LastExit; exit != nil {
		shown.Exit = exitView{Text: shorten(exit.Text, textLimit), Ago: ago(exit.At, now), At: exit.At.UTC(), Mood: bad}
		if exit.Outcome == status.Clean || w.State == status.Online {
			shown.Exit.Mood = calm
		}
	}
	return shown
}

// queueUp puts a queue to those of its address.
func queueUp(queues []queueView, port status.Port) []queueView {
	for i := range queues {
		if queues[i].Address == port.Address {
			queues[i].Limit = max(queues[i].Limit, port.Limit)
			queues[i].Workers = append(queues[i].Workers, port)
			return queues
		}
	}
	return append(queues, queueView{Address: port.Address, Limit: port.Limit, Workers: []status.Port{port}})
}

// Relays tells how many connections gorun has passed on itself.
func (q queueView) Relays() string {
	if q.Relayed == 0 {
		return ""
	}
	return fmt.Sprintf("%d passed on by gorun", q.Relayed)
}
