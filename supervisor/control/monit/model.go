package monit

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gorun/supervisor/control/client"
	"gorun/supervisor/control/screen"
)

// none is the id of no worker.
const none = -1

// The messages that the tasks send.
type (
	overviewMsg     struct{ overview client.Overview }
	disconnectedMsg struct{ err error }
	progressMsg     struct{ progress client.Progress }
	orderDoneMsg    struct{ err error }
	lineMsg         struct {
		worker int
		line   client.Line
		first  bool // of a new connection: the log starts again with it
	}
	logEndMsg struct {
		worker int
		err    error
	}
)

// action is what the model decides; nil: nothing.
type action interface{ action() }

type (
	quit  struct{}
	order struct{ verb, app, by string } // by is for scale: +1, -1
)

func (quit) action()  {}
func (order) action() {}

// String is the order as a command line.
func (o order) String() string {
	return strings.TrimSpace(o.verb + " " + screen.Printable(o.app) + " " + o.by)
}

// row is a worker with its app.
type row struct {
	app    client.App
	worker client.Worker
}

// notice is the text of the status line.
type notice struct {
	text  string
	paint screen.Paint
}

// model is what the user sees and has chosen. It does nothing itself: update
// returns what is to be done.
type model struct {
	style    screen.Style
	height   int
	previous client.Overview // CPU usage counts from it
	latest   client.Overview
	rows     []row
	selected int // a worker's id
	offset   int // the first row that is visible
	log      *logPane

	disconnected string // why there is no connection
	logError     string // why there is no log
	unconfirmed  order  // waits for y or n
	running      order  // in progress
	notice       notice
}

func newModel(color bool) model {
	return model{style: screen.Style{Color: color, Width: 80}, height: 24, selected: none, log: &logPane{}}
}

// update applies a message and returns what is to be done.
func (m *model) update(msg tea.Msg) action {
	var act action
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		act = m.press(msg.String())
	case tea.WindowSizeMsg:
		m.style.Width, m.height = msg.Width, msg.Height
	case overviewMsg:
		m.refresh(msg.overview)
	case disconnectedMsg:
		m.disconnected = msg.err.Error()
	case progressMsg:
		m.showProgress(msg.progress)
	case orderDoneMsg:
		m.finish(msg.err)
	case lineMsg:
		m.addLine(msg)
	case logEndMsg:
		if msg.worker == m.selected && msg.err != nil {
			m.logError = msg.err.Error()
		}
	}
	m.scrollToSelected()
	return act
}

func (m *model) refresh(o client.Overview) {
	m.previous, m.latest, m.disconnected = m.latest, o, ""
	m.style.Now = o.Time
	m.rows = m.rows[:0]
	for _, app := range o.Apps {
		for _, w := range app.Workers {
			m.rows = append(m.rows, row{app, w})
		}
	}
	if m.index() < 0 {
		m.choose(m.offset)
	}
}

// index is the row that is selected, -1 without any.
func (m *model) index() int {
	return slices.IndexFunc(m.rows, func(r row) bool { return r.worker.ID == m.selected })
}

// choose selects a row, or the nearest one that exists.
func (m *model) choose(i int) {
	id := none
	if len(m.rows) > 0 {
		id = m.rows[min(max(i, 0), len(m.rows)-1)].worker.ID
	}
	if id != m.selected {
		m.selected, m.log, m.logError = id, &logPane{}, ""
	}
}

func (m *model) scrollToSelected() {
	height := m.layout().workers
	at := max(m.index(), 0)
	m.offset = min(max(m.offset, at-height+1), at)
	m.offset = max(min(m.offset, len(m.rows)-height), 0)
}

func (m *model) addLine(msg lineMsg) {
	if msg.worker != m.selected {
		return
	}
	if msg.first {
		m.log = &logPane{paused: m.log.paused}
	}
	m.logError = ""
	m.log.add(msg.line)
}

func (m *model) showProgress(p client.Progress) {
	var text strings.Builder
	style := m.style
	style.Width = 1 << 16                // one line; the view cuts it
	_ = screen.Progress(&text, style, p) // a Builder never fails
	m.notice = notice{text: strings.TrimSuffix(text.String(), "\n")}
}

func (m *model) finish(err error) {
	if err != nil {
		m.notice = notice{text: m.running.String() + ": " + screen.Printable(err.Error()), paint: screen.Bad}
	}
	m.running = order{}
}

// press is the meaning of a key, in Bubble Tea's names.
func (m *model) press(key string) action {
	if key == "ctrl+c" || key == "ctrl+d" {
		return quit{}
	}
	if m.unconfirmed.verb != "" {
		return m.confirm(key)
	}
	switch key {
	case "q":
		return quit{}
	case "up", "k":
		m.choose(m.index() - 1)
	case "down", "j":
		m.choose(m.index() + 1)
	case "home", "g":
		m.choose(0)
	case "end", "G":
		m.choose(len(m.rows) - 1)
	case "f":
		m.log.toggle()
	case "pgup":
		m.log.scroll(-m.page(), m.layout().log)
	case "pgdown":
		m.log.scroll(m.page(), m.layout().log)
	case "r", "R", "+", "-":
		return m.operate(key)
	}
	return nil
}

func (m *model) page() int { return max(m.layout().log-1, 1) }

// operate is a key that gives an order about the selected worker's app.
func (m *model) operate(key string) action {
	at := m.index()
	if at < 0 {
		return nil
	}
	app := m.rows[at].app.Name
	if m.running.verb != "" {
		m.notice = notice{text: m.running.String() + " is still in progress", paint: screen.Busy}
		return nil
	}
	switch key {
	case "R":
		m.unconfirmed = order{verb: "restart", app: app}
		return nil
	case "r":
		return m.give(order{verb: "reload", app: app})
	}
	return m.give(order{verb: "scale", app: app, by: key + "1"})
}

// confirm gives the order that waits for y, or cancels it.
func (m *model) confirm(key string) action {
	o := m.unconfirmed
	m.unconfirmed = order{}
	if key != "y" && key != "Y" {
		m.notice = notice{text: "cancelled"}
		return nil
	}
	return m.give(o)
}

func (m *model) give(o order) action {
	m.running = o
	m.notice = notice{text: o.String() + " …", paint: screen.Busy}
	return o
}
