package monit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gorun/supervisor/control"
	"gorun/supervisor/control/screen"
)

// layout is how the lines of the terminal are shared out: a header, the workers
// with their heading, a rule, the log, a status line and the keys.
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

// view is the whole terminal, a string a line, none of them too wide.
func (m *model) view() []string {
	l := m.layout()
	lines := append([]string{m.header()}, m.workers(l)...)
	lines = append(lines, m.rule())
	lines = append(lines, m.logged(l.log)...)
	status := m.status()
	if l.status > 0 {
		lines = append(lines, status)
	}
	if l.status > 0 || status == "" {
		status = m.keys()
	}
	lines = append(lines, status)
	lines = lines[max(0, min(len(lines)-m.height, len(lines)-1)):]
	for i, line := range lines {
		lines[i] = screen.Cut(line, m.style.Width)
	}
	return lines
}

func (m *model) header() string {
	if m.now.Time.IsZero() {
		return m.style.Paint(screen.Strong, "gorun monit")
	}
	ready, desired := 0, 0
	for _, app := range m.now.Apps {
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
	text := m.style.Paint(screen.Strong, "gorun "+screen.Printable(m.now.Version)) +
		"  " + m.style.Paint(paint, fmt.Sprintf("%d of %d ready", ready, desired)) +
		fmt.Sprintf("  %d apps", len(m.now.Apps)) +
		m.style.Paint(screen.Faint, fmt.Sprintf("  pid %d", m.now.Pid))
	if m.now.ShuttingDown {
		text += m.style.Paint(screen.Bad, "  shutting down")
	}
	return text
}

// workers is the part of the table that is in sight.
func (m *model) workers(l layout) []string {
	style := m.style
	style.Width = max(style.Width-2, 1) // a mark in front
	table := m.table().Plain(style)
	var lines []string
	if l.heading > 0 {
		lines = append(lines, "  "+table[0])
	}
	for i := m.top; i < m.top+l.workers; i++ {
		switch {
		case i >= len(m.rows):
			lines = append(lines, m.style.Paint(screen.Faint, "  no workers"))
		case m.rows[i].worker.ID == m.selected:
			lines = append(lines, m.marked(table[i+1]))
		default:
			lines = append(lines, "  "+table[i+1])
		}
	}
	return lines
}

// marked is the line of the selected worker: reversed, where there are colours.
func (m *model) marked(line string) string {
	if !m.style.Color {
		return "▸ " + line
	}
	line = "▸ " + ansi.Strip(line)
	return "\x1b[7m" + line + strings.Repeat(" ", max(m.style.Width-ansi.StringWidth(line), 0)) + "\x1b[m"
}

func (m *model) table() screen.Table {
	rates := screen.Rates(m.before, m.now)
	t := screen.Table{Columns: []screen.Column{
		{Title: "worker", Min: 12},
		{Title: "status", Min: 15},
		{Title: "cpu", Right: true, Rank: 2},
		{Title: "mem", Right: true, Rank: 3},
		{Title: "↺", Right: true, Rank: 4},
		{Title: "uptime", Right: true, Rank: 5},
		{Title: "pid", Right: true, Rank: 6},
		{Title: "id", Right: true, Rank: 7},
	}}
	known := slices.ContainsFunc(m.rows, func(r row) bool { return r.worker.Node != nil })
	if known {
		t.Columns = slices.Insert(t.Columns, afterMemory, screen.Column{Title: "loop", Right: true, Rank: 4})
	}
	for _, r := range m.rows {
		cells := m.cells(r, rates)
		if known {
			cells = slices.Insert(cells, afterMemory, screen.Cell{Text: delay(r.worker)})
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// afterMemory is where the column about the event loop goes, where there is one.
const afterMemory = 4

// delay is how late the event loop of a Node worker was, - where it is not known.
func delay(w control.Worker) string {
	if w.Node == nil {
		return "-"
	}
	return screen.Delay(w.Node.DelayP95)
}

func (m *model) cells(r row, rates map[int]float64) []screen.Cell {
	w := r.worker
	memory, pid := "-", "-"
	if w.Pid > 0 {
		memory, pid = screen.Bytes(w.Memory), strconv.Itoa(w.Pid)
	}
	return []screen.Cell{
		{Text: name(r)},
		{Text: screen.Printable(w.State), Paint: screen.StatePaint(w.State)},
		{Text: screen.CPU(rates, w)},
		{Text: memory},
		{Text: strconv.FormatUint(w.Restarts, 10)},
		{Text: screen.Uptime(w, m.style.Now)},
		{Text: pid, Paint: screen.Faint},
		{Text: strconv.Itoa(w.ID), Paint: screen.Faint},
	}
}

func name(r row) string {
	return screen.Printable(r.app.Name) + "/" + strconv.Itoa(r.worker.Instance)
}

// rule parts the workers from the log, and says whose it is.
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

// logged are the lines of the log in sight; the room below them stays empty.
func (m *model) logged(height int) []string {
	lines := make([]string, 0, height)
	for _, line := range m.log.visible(height) {
		lines = append(lines, m.logLine(line))
	}
	if len(lines) == 0 && height > 0 && m.silence != "" {
		lines = append(lines, m.style.Paint(screen.Faint, "no log: "+screen.Printable(m.silence)))
	}
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines
}

// logLine has a bar in front that tells stderr from stdout.
func (m *model) logLine(line control.Line) string {
	bar := m.style.Paint(screen.Faint, "│ ")
	if line.Stream == "err" {
		bar = m.style.Paint(screen.Bad, "┃ ")
	}
	if notice := screen.Missed(line); notice != "" {
		bar += m.style.Paint(screen.Busy, "("+notice+") ")
	}
	return bar + strings.ReplaceAll(m.style.Harmless(line.Text), "\t", "    ")
}

// status is the one thing that matters most.
func (m *model) status() string {
	switch {
	case m.asked.verb != "":
		return m.style.Paint(screen.Busy, m.asked.verb+" "+screen.Printable(m.asked.app)+"? y/n")
	case m.lost != "":
		return m.style.Paint(screen.Bad, "connection lost, trying again: "+screen.Printable(m.lost))
	}
	return m.style.Paint(m.note.paint, m.note.text)
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
