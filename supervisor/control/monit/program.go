package monit

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"gorun/supervisor/control/client"
)

const (
	interval = time.Second           // between overviews, and before a lost connection is tried again
	timeout  = 5 * time.Second       // of an overview
	frame    = 33 * time.Millisecond // the shortest time between two pictures
	backlog  = 200                   // lines of a newly selected worker
)

// monitor implements tea.Model: it passes messages to the model and does what the
// model decides.
type monitor struct {
	source   Source
	operator Operator
	model    model

	ctx   context.Context //nolint:containedctx // of all tasks: Bubble Tea passes none to Update
	tasks sync.WaitGroup
	send  func(tea.Msg) // may be called by any goroutine; drops the message once the program has ended

	followed int // the worker whose log is read
	unfollow context.CancelFunc

	picture string // the last one; to make one for each line of a busy log would cost too much
	due     bool   // a frameMsg is on its way
}

// frameMsg asks for a new picture.
type frameMsg struct{}

func newMonitor(o Options) *monitor {
	return &monitor{source: o.Source, operator: o.Operator, model: newModel(o.Color), followed: none, unfollow: func() {}}
}

// run returns after every task has ended.
func (m *monitor) run(ctx context.Context, terminal ...tea.ProgramOption) error {
	tasks, cancel := context.WithCancel(ctx)
	program := tea.NewProgram(m, append(terminal,
		tea.WithoutSignalHandler(),
		tea.WithColorProfile(colorprofile.TrueColor), // the model chooses the colours; to detect them, Bubble Tea runs tmux
	)...)
	m.ctx, m.send = tasks, program.Send
	// Not tea.WithContext: then Bubble Tea closes the terminal while it still reads from it.
	defer context.AfterFunc(ctx, program.Quit)()
	_, err := program.Run()
	cancel()
	m.tasks.Wait()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("terminal: %w", err)
	}
	return nil
}

// Init implements tea.Model.
func (m *monitor) Init() tea.Cmd {
	m.tasks.Go(m.poll)
	return nil
}

// Update implements tea.Model.
func (m *monitor) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, now := msg.(frameMsg); now {
		m.picture, m.due = strings.Join(m.model.view(), "\n"), false
		return m, nil
	}
	switch act := m.model.update(msg).(type) {
	case quit:
		return m, tea.Quit
	case order:
		m.tasks.Go(func() { m.send(orderDoneMsg{m.carryOut(act)}) })
	}
	m.follow()
	m.askForFrame()
	return m, nil
}

// View implements tea.Model.
func (m *monitor) View() tea.View {
	view := tea.NewView(m.picture)
	view.AltScreen = true
	return view
}

func (m *monitor) askForFrame() {
	if m.due {
		return
	}
	m.due = true
	m.tasks.Go(func() {
		wait(m.ctx, frame)
		m.send(frameMsg{})
	})
}

func (m *monitor) carryOut(o order) error {
	var progress iter.Seq2[client.Progress, error]
	if o.verb == "scale" {
		progress = m.operator.Scale(m.ctx, client.Scale{App: o.app, Workers: o.by})
	} else {
		progress = m.operator.Order(m.ctx, client.Order{Verb: o.verb, Targets: []string{o.app}})
	}
	for p, err := range progress {
		if err != nil {
			return err
		}
		m.send(progressMsg{p})
	}
	return nil
}

// follow reads the log of the worker that is now selected.
func (m *monitor) follow() {
	id := m.model.selected
	if id == m.followed {
		return
	}
	m.unfollow()
	m.followed = id
	if id == none {
		return
	}
	ctx, cancel := context.WithCancel(m.ctx)
	m.unfollow = cancel
	m.tasks.Go(func() { m.tail(ctx, id) })
}

// tail starts the log again whenever its connection was lost.
func (m *monitor) tail(ctx context.Context, id int) {
	for ctx.Err() == nil {
		first := true
		var failed error
		for line, err := range m.source.Logs(ctx, client.LogQuery{Targets: []string{strconv.Itoa(id)}, Lines: backlog, Follow: true}) {
			if failed = err; err != nil {
				break
			}
			m.send(lineMsg{worker: id, line: line, first: first})
			first = false
		}
		m.send(logEndMsg{id, failed})
		wait(ctx, interval)
	}
}

func (m *monitor) poll() {
	for m.ctx.Err() == nil {
		m.send(m.overview())
		wait(m.ctx, interval)
	}
}

func (m *monitor) overview() tea.Msg {
	ctx, cancel := context.WithTimeout(m.ctx, timeout)
	defer cancel()
	overview, err := m.source.Apps(ctx)
	if err != nil {
		return disconnectedMsg{err}
	}
	return overviewMsg{overview}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
