package monit

import (
	"fmt"
	"strings"

	"gorun/supervisor/control"
	"gorun/supervisor/control/screen"
)

// none is the id of no worker.
const none = -1

// message is something that the model learns.
type message interface{ message() }

type (
	key     string // pressed
	sized   struct{ width, height int }
	sampled struct{ overview control.Overview }
	lost    struct{ err error } // no overview
	told    struct{ news control.News }
	ended   struct{ err error } // the order
	silent  struct {            // the log has ended
		worker int
		err    error
	}
	wrote struct {
		worker int
		line   control.Line
		first  bool // the log begins anew with it
	}
)

func (key) message()     {}
func (sized) message()   {}
func (sampled) message() {}
func (lost) message()    {}
func (told) message()    {}
func (ended) message()   {}
func (silent) message()  {}
func (wrote) message()   {}

// action is something that the model decides; nil: nothing.
type action interface{ action() }

type (
	quit  struct{}
	order struct{ verb, app string }
	scale struct{ app, by string }
)

func (quit) action()  {}
func (order) action() {}
func (scale) action() {}

// row is a worker with its app.
type row struct {
	app    control.App
	worker control.Worker
}

// note is what the status line says.
type note struct {
	text  string
	paint screen.Paint
}

// model is what the user sees and has chosen. It decides; the loop does.
type model struct {
	style       screen.Style
	height      int
	before, now control.Overview
	rows        []row
	selected    int // a worker's id
	top         int // the first row in sight
	log         *pane
	lost        string // why there is no connection
	silence     string // why there is no log
	asked       order  // waits for y or n
	busy        string // the order that is being carried out
	note        note
}

func newModel(color bool) model {
	return model{style: screen.Style{Color: color, Width: 80}, height: 24, selected: none, log: &pane{}}
}

// update learns the message and returns what there is to do.
func (m *model) update(msg message) action {
	var act action
	switch msg := msg.(type) {
	case key:
		act = m.press(string(msg))
	case sized:
		m.style.Width, m.height = msg.width, msg.height
	case sampled:
		m.sample(msg.overview)
	case lost:
		m.lost = msg.err.Error()
	case told:
		m.tell(msg.news)
	case ended:
		m.end(msg.err)
	case silent:
		m.fallSilent(msg)
	case wrote:
		m.write(msg)
	}
	m.keepInSight()
	return act
}

func (m *model) sample(o control.Overview) {
	m.before, m.now, m.lost = m.now, o, ""
	m.style.Now = o.Time
	m.rows = m.rows[:0]
	for _, app := range o.Apps {
		for _, w := range app.Workers {
			m.rows = append(m.rows, row{app, w})
		}
	}
	if m.index() < 0 {
		m.choose(m.top)
	}
}

// index is the row that is selected, -1 without any.
func (m *model) index() int {
	for i, r := range m.rows {
		if r.worker.ID == m.selected {
			return i
		}
	}
	return -1
}

// choose selects a row, or the one next to it that there is.
func (m *model) choose(i int) {
	id := none
	if len(m.rows) > 0 {
		id = m.rows[min(max(i, 0), len(m.rows)-1)].worker.ID
	}
	if id != m.selected {
		m.selected, m.log, m.silence = id, &pane{}, ""
	}
}

func (m *model) keepInSight() {
	height := m.layout().workers
	at := max(m.index(), 0)
	m.top = min(max(m.top, at-height+1), at)
	m.top = max(min(m.top, len(m.rows)-height), 0)
}

func (m *model) write(w wrote) {
	if w.worker != m.selected {
		return
	}
	if w.first {
		m.log = &pane{paused: m.log.paused}
	}
	m.silence = ""
	m.log.add(w.line)
}

func (m *model) fallSilent(s silent) {
	if s.worker == m.selected && s.err != nil {
		m.silence = s.err.Error()
	}
}

func (m *model) tell(n control.News) {
	var text strings.Builder
	style := m.style
	style.Width = 1 << 16            // one line; the view cuts it
	_ = screen.Progress(&text, style, n) // a Builder never fails
	m.note = note{text: strings.TrimSuffix(text.String(), "\n")}
}

func (m *model) end(err error) {
	if err != nil {
		m.note = note{text: m.busy + ": " + screen.Printable(err.Error()), paint: screen.Bad}
	}
	m.busy = ""
}

// press is what a key means.
func (m *model) press(k string) action {
	if k == keyBreak {
		return quit{}
	}
	if m.asked.verb != "" {
		return m.answer(k)
	}
	switch k {
	case "q":
		return quit{}
	case keyUp, "k":
		m.choose(m.index() - 1)
	case keyDown, "j":
		m.choose(m.index() + 1)
	case keyHome, "g":
		m.choose(0)
	case keyEnd, "G":
		m.choose(len(m.rows) - 1)
	case "f":
		m.log.toggle()
	case keyPageUp:
		m.log.scroll(-m.page(), m.layout().log)
	case keyPageDown:
		m.log.scroll(m.page(), m.layout().log)
	case "r", "R", "+", "-":
		return m.command(k)
	}
	return nil
}

func (m *model) page() int { return max(m.layout().log-1, 1) }

// answer begins what was asked for, or forgets it.
func (m *model) answer(k string) action {
	asked := m.asked
	m.asked = order{}
	if k != "y" && k != "Y" {
		m.note = note{text: "not done"}
		return nil
	}
	return m.begin(asked.verb+" "+screen.Printable(asked.app), asked)
}

// command is a key that gives an order about the selected worker's app.
func (m *model) command(k string) action {
	at := m.index()
	if at < 0 {
		return nil
	}
	app := m.rows[at].app.Name
	if m.busy != "" {
		m.note = note{text: "not yet: " + m.busy + " goes on", paint: screen.Busy}
		return nil
	}
	switch k {
	case "R":
		m.asked = order{"restart", app}
		return nil
	case "r":
		return m.begin("reload "+screen.Printable(app), order{"reload", app})
	}
	return m.begin(fmt.Sprintf("scale %s %s1", screen.Printable(app), k), scale{app, k + "1"})
}

func (m *model) begin(what string, act action) action {
	m.busy = what
	m.note = note{text: what + " …", paint: screen.Busy}
	return act
}
