// Package monit is `gorun monit`: a terminal with the workers, the log of the
// selected one, and keys that operate on its app.
//
// It is a Bubble Tea program. The event loop of Bubble Tea owns the model; what
// talks to gorun (polling, following a log, carrying out an order) are tasks that
// send it messages, and Run returns after the last of them. Nothing here may
// listen for signals: cancel Run's context instead.
//
// Version 1 of Bubble Tea cannot be used. In an init function it asks the
// terminal for its background colour, so that every start of gorun, as a
// container's first process too, waits 5 s for a terminal that does not answer.
package monit

import (
	"context"
	"errors"
	"iter"
	"os"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"gorun/supervisor/control/client"
)

// Source is where the monitor reads from.
type Source interface {
	Apps(ctx context.Context) (client.Overview, error)
	Logs(ctx context.Context, q client.LogQuery) iter.Seq2[client.Line, error]
}

// Operator carries orders out, and yields their progress until that is done.
type Operator interface {
	Order(ctx context.Context, o client.Order) iter.Seq2[client.Progress, error]
	Scale(ctx context.Context, s client.Scale) iter.Seq2[client.Progress, error]
}

// Options is what Run needs.
type Options struct {
	Source   Source
	Operator Operator
	In, Out  *os.File // the terminal
	Environ  []string // TERM says which keys it sends
	Color    bool     // false for NO_COLOR and terminals without
}

// Run shows the monitor until the user quits, the terminal is closed or ctx ends.
// The terminal is then as it was before.
func Run(ctx context.Context, o Options) error {
	if !isTerminal(o.In) || !isTerminal(o.Out) {
		return errors.New("monit needs a terminal for input and output: try `docker exec -it`, or `gorun list`")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return newMonitor(o).run(ctx, tea.WithInput(keyboard{o.In, cancel}), tea.WithOutput(o.Out), tea.WithEnvironment(o.Environ))
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// keyboard is the terminal's input. When it is closed, the monitor ends: Bubble
// Tea itself would go on without.
type keyboard struct {
	*os.File
	closed context.CancelFunc
}

// Read implements io.Reader.
func (k keyboard) Read(p []byte) (int, error) {
	n, err := k.File.Read(p)
	if err != nil {
		k.closed()
	}
	return n, err
}
