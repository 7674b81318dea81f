package monit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"gorun/supervisor/control/client"
	"gorun/supervisor/control/screen"
	"gorun/supervisor/status"
)

// layout divides the lines of the terminal: a header, the workers with their
// heading, a rule, the log, a status line and the keys.
type layout struct {
	heading int // 0 or 1
	workers int
	log     int
	status  int // 0 or 1; without it the status takes the place of the keys
}

func (m *model) layout() layout {
	var l layout
	rest := m.height - 3 // header, rule, keys
	if m.height >= 8 {
		l.heading, l.status = 1, 1
		rest -= 2
	}
	l.workers = min(max(len(m.rows), 1), max(rest/2, 1))
	l.log = max(rest-l.workers, 0)
	return l
}

// view returns the lines of the whole terminal, none of them too wide.
func (m *model) view() []string {
	l := m.layout()
	lines := append([]string{m.header()}, m.workers(l)...)
	lines = append(lines, m.rule())
	lines = append(lines, m.logLines(l.log)...)
	line := m.status()
	if l.status > 0 {
		lines = append(lines, line)
	}
	if l.status > 0 || line == "" {
		line = m.keys()
	}
	lines = append(lines, line)
	lines = lines[max(0, min(len(lines)-m.height, len(lines)-1)):]
	for i, line := range lines {
		lines[i] = screen.Cut(line, m.style.Width)
	}
	return lines
}

func (m *model) header() string {
	if m.latest.Time.IsZero() {
		return m.style.Paint(screen.Strong, "gorun monit")
	}
	ready, desired := 0, 0
	for _, app := range m.latest.Apps {
		desired += app.Desired
		for _, w := range app.Workers {
			if w.Ready {
				ready++
			}
		}
	}
	paint := screen.Good
	if ready < desired {
		paint = screen.Busy
	}
	text := m.style.Paint(screen.Strong, "gorun "+screen.Printable(m.latest.Version)) +
		"  " + m.style.Paint(paint, fmt.Sprintf("%d of %d ready", ready, desired)) +
		fmt.Sprintf("  %d apps", len(m.latest.Apps)) +
		m.style.Paint(screen.Faint, fmt.Sprintf("  pid %d", m.latest.Pid))
	if m.latest.ShuttingDown {
		text += m.style.Paint(screen.Bad, "  shutting down")
	}
	return text
}

// workers is the visible part of the table.
func (m *model) workers(l layout) []string {
	style := m.style
	style.Width = max(style.Width-2, 1) // the selection mark is in front
	table := m.table().Plain(style)
	var lines []string
	if l.heading > 0 {
		lines = append(lines, "  "+table[0])
	}
	for i := m.offset; i < m.offset+l.workers; i++ {
		switch {
		case i >= len(m.rows):
			lines = append(lines, m.style.Paint(screen.Faint, "  no workers"))
		case m.rows[i].worker.ID == m.selected:
			lines = append(lines, m.highlight(table[i+1]))
		default:
			lines = append(lines, "  "+table[i+1])
		}
	}
	return lines
}

// highlight is the line of the selected worker: reversed, where there are colours.
func (m *model) highlight(line string) string {
	if !m.style.Color {
		return "▸ " + line
	}
	line = "▸ " + ansi.Strip(line)
	return "\x1b[7m" + line + strings.Repeat(" ", max(m.style.Width-ansi.StringWidth(line), 0)) + "\x1b[m"
}

func (m *model) table() screen.Table {
	rates := screen.Rates(m.previous, m.latest)
	columns := []screen.Column{
		{Title: "worker", Min: 12},
		{Title: "status", Min: 15},
		{Title: "cpu", Right: true, Rank: 2},
		{Title: "mem", Right: true, Rank: 3},
	}
	nodes := slices.ContainsFunc(m.rows, func(r row) bool { return r.worker.Node != nil })
	if nodes {
		columns = append(columns, screen.Column{Title: "loop", Right: true, Rank: 4})
	}
	t := screen.Table{Columns: append(columns,
		screen.Column{Title: "↺", Right: true, Rank: 4},
		screen.Column{Title: "uptime", Right: true, Rank: 5},
		screen.Column{Title: "pid", Right: true, Rank: 6},
		screen.Column{Title: "id", Right: true, Rank: 7},
	)}
	for _, r := range m.rows {
		cells := usageCells(r, rates, m.style.Now)
		if nodes {
			cells = append(cells, screen.Cell{Text: delay(r.worker)})
		}
		t.Rows = append(t.Rows, append(cells, processCells(r, m.style.Now)...))
	}
	return t
}

// delay is the delay of a Node worker's event loop, - where it is unknown.
func delay(w client.Worker) string {
	if w.Node == nil {
		return "-"
	}
	return screen.Delay(w.Node.DelayP95)
}

// usageCells are up to the worker's memory.
func usageCells(r row, rates map[int]float64, now time.Time) []screen.Cell {
	w, memory := r.worker, "-"
	if w.Pid > 0 {
		memory = status.Bytes(w.Memory)
	}
	return []screen.Cell{
		{Text: name(r)},
		{Text: screen.State(r.app, w, now), Paint: screen.StatePaint(w.State)},
		{Text: screen.CPU(rates, w)},
		{Text: memory},
	}
}

// processCells are those behind it.
func processCells(r row, now time.Time) []screen.Cell {
	w, pid := r.worker, "-"
	if w.Pid > 0 {
		pid = strconv.Itoa(w.Pid)
	}
	return []screen.Cell{
		{Text: strconv.FormatUint(w.Restarts, 10)},
		{Text: screen.Uptime(w, now)},
		{Text: pid, Paint: screen.Faint},
		{Text: strconv.Itoa(w.ID), Paint: screen.Faint},
	}
}

func name(r row) string {
	return screen.Printable(r.app.Name) + "/" + strconv.Itoa(r.worker.Instance)
}

// rule separates the workers from the log, and names its worker.
func (m *model) rule() string {
	title := "no log"
	if at := m.index(); at >= 0 {
		title = name(m.rows[at])
	}
	if m.log.paused {
		title += fmt.Sprintf(", paused, %d newer", m.log.total-m.log.end(m.layout().log))
	}
	title = screen.Cut(title, max(m.style.Width-8, 1))
	line := "── " + title + " "
	return m.style.Paint(screen.Faint, line+strings.Repeat("─", max(m.style.Width-ansi.StringWidth(line), 0)))
}

// logLines are the visible lines of the log, filled up with empty ones.
func (m *model) logLines(height int) []string {
	lines := make([]string, 0, height)
	for _, line := range m.log.visible(height) {
		lines = append(lines, m.logLine(line))
	}
	if len(lines) == 0 && height > 0 && m.logError != "" {
		lines = append(lines, m.style.Paint(screen.Faint, "no log: "+screen.Printable(m.logError)))
	}
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines
}

// logLine has a bar in front: thick for stderr, thin for stdout.
func (m *model) logLine(line client.Line) string {
	bar := m.style.Paint(screen.Faint, "│ ")
	if line.Stream == "err" {
		bar = m.style.Paint(screen.Bad, "┃ ")
	}
	if notice := screen.Missed(line); notice != "" {
		bar += m.style.Paint(screen.Busy, "("+notice+") ")
	}
	return bar + strings.ReplaceAll(m.style.Harmless(line.Text), "\t", "    ")
}

// status is a question, else an error, else the latest notice.
func (m *model) status() string {
	switch {
	case m.unconfirmed.verb != "":
		return m.style.Paint(screen.Busy, m.unconfirmed.String()+"? y/n")
	case m.disconnected != "":
		return m.style.Paint(screen.Bad, "connection lost, retrying: "+screen.Printable(m.disconnected))
	}
	return m.style.Paint(m.notice.paint, m.notice.text)
}

// hints are the keys, the most important first.
var hints = [...]string{"q quit", "↑↓ select", "r reload", "R restart", "+/- scale", "f pause", "PgUp/PgDn scroll"}

func (m *model) keys() string {
	line := hints[0]
	for _, hint := range hints[1:] {
		if ansi.StringWidth(line)+2+ansi.StringWidth(hint) > m.style.Width {
			break
		}
		line += "  " + hint
	}
	return m.style.Paint(screen.Faint, line)
}
