package screen

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

// List prints one line for each worker, then the troubles. CPU usage is counted
// from the overview before; if that is the zero value, none is shown.
func List(out io.Writer, style Style, before, now client.Overview) error {
	var lines []string
	if len(now.Apps) == 0 {
		lines = append(lines, style.fit("no apps"))
	} else {
		lines = list(style, before, now).Lines(style)
	}
	for _, app := range now.Apps {
		if app.Waiting != "" {
			lines = append(lines, style.wrap(Cell{Text: "· ", Paint: Faint}, Cell{Text: Printable(app.Name) + ": " + Printable(app.Waiting)})...)
		}
		for _, trouble := range app.Troubles {
			lines = append(lines, style.warn(Bad, Printable(app.Name)+": "+Printable(trouble))...)
		}
	}
	if now.ShuttingDown {
		lines = append(lines, style.warn(Busy, "gorun is shutting down")...)
	}
	return write(out, lines)
}

func list(style Style, before, now client.Overview) Table {
	rates := Rates(before, now)
	table := Table{Columns: []Column{
		{Title: "id", Right: true},
		{Title: "name", Min: 14},
		{Title: "namespace", Min: 7, Rank: 8},
		{Title: "mode", Rank: 6},
		{Title: "pid", Right: true, Rank: 7},
		{Title: "uptime", Right: true, Rank: 3},
		{Title: "↺", Right: true, Rank: 2},
		{Title: "status", Min: 15},
		{Title: "cpu", Right: true, Rank: 4},
		{Title: "mem", Right: true, Rank: 5},
	}}
	for _, app := range now.Apps {
		for _, w := range app.Workers {
			table.Rows = append(table.Rows, workerRow(style, app, w, rates))
		}
		if len(app.Workers) == 0 {
			table.Rows = append(table.Rows, emptyRow(app))
		}
	}
	return table
}

func workerRow(style Style, app client.App, w client.Worker, rates map[int]float64) []Cell {
	return []Cell{
		{Text: strconv.Itoa(w.ID), Paint: Strong},
		{Text: Printable(app.Name)},
		{Text: Printable(app.Namespace), Paint: Faint},
		{Text: mode(app)},
		{Text: ifRunning(w, strconv.Itoa(w.Pid))},
		{Text: Uptime(w, style.Now)},
		{Text: strconv.FormatUint(w.Restarts, 10)},
		{Text: State(app, w, style.Now), Paint: StatePaint(w.State)},
		{Text: CPU(rates, w)},
		{Text: ifRunning(w, status.Bytes(w.Memory))},
	}
}

// State is the worker's state in pm2's words or, of one at rest until its schedule starts
// it, until when.
func State(app client.App, w client.Worker, now time.Time) string {
	if app.NextRun != nil && w.State == status.Stopped.String() {
		return "waiting for " + status.Clock(*app.NextRun, now)
	}
	return Printable(w.State)
}

// emptyRow stands for an app that has no worker.
func emptyRow(app client.App) []Cell {
	return []Cell{
		{Text: "-"},
		{Text: Printable(app.Name)},
		{Text: Printable(app.Namespace), Paint: Faint},
		{Text: mode(app)},
		{Text: "-"},
		{Text: "-"},
		{Text: "-"},
		{Text: "no workers", Paint: Faint},
		{Text: "-"},
		{Text: "-"},
	}
}

// mode is the app's exec_mode and the way its workers share ports: fork, cluster/node.
func mode(app client.App) string {
	if app.Sharing == "" || app.Sharing == "none" {
		return Printable(app.Mode)
	}
	return Printable(app.Mode + "/" + app.Sharing)
}

// Uptime is the age of the worker's process, - if there is none.
func Uptime(w client.Worker, now time.Time) string {
	if w.Started == nil {
		return "-"
	}
	return Age(now.Sub(*w.Started))
}

// CPU is the worker's CPU usage, 100% for one CPU, - if it is unknown.
func CPU(rates map[int]float64, w client.Worker) string {
	rate, known := rates[w.ID]
	if !known || w.Pid == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", rate)
}

// Rates is the CPU usage in percent of each worker's process tree between two
// overviews, by the worker's id.
func Rates(before, now client.Overview) map[int]float64 {
	seconds := now.Time.Sub(before.Time).Seconds()
	if before.Time.IsZero() || seconds <= 0 {
		return nil
	}
	used := map[int]float64{}
	for _, app := range before.Apps {
		for _, w := range app.Workers {
			used[w.ID] = w.CPUSeconds
		}
	}
	rates := map[int]float64{}
	for _, app := range now.Apps {
		for _, w := range app.Workers {
			if earlier, known := used[w.ID]; known {
				rates[w.ID] = max(w.CPUSeconds-earlier, 0) / seconds * 100
			}
		}
	}
	return rates
}

// ifRunning is the text about the worker's process, - if there is none.
func ifRunning(w client.Worker, text string) string {
	if w.Pid == 0 {
		return "-"
	}
	return text
}

func (s Style) warn(paint Paint, text string) []string {
	return s.wrap(Cell{Text: "! ", Paint: paint}, Cell{Text: text})
}

func write(out io.Writer, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := io.WriteString(out, strings.Join(lines, "\n")+"\n")
	return err
}
