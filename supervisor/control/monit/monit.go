// Package monit is `gorun monit`: a terminal with the workers, the log of the
// selected one, and keys that give orders.
//
// It draws by itself, without bubbletea: version 1 of that asks the terminal for
// its background in an init, so that every start of gorun, as a container's first
// process too, would wait up to 5 s for a terminal that does not answer.
package monit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/muesli/cancelreader"

	"gorun/supervisor/control/client"
)

// Source tells what runs and what it writes.
type Source interface {
	Overview(ctx context.Context) (client.Overview, error)
	// Logs passes on the target's latest lines and each new one, until ctx ends
	// or the connection is lost.
	Logs(ctx context.Context, target string, lines int, each func(client.Line)) error
}

// Operator carries orders out, and returns when that is done.
type Operator interface {
	Order(ctx context.Context, verb string, targets []string, each func(client.Progress)) error
	Scale(ctx context.Context, app, workers string, each func(client.Progress)) error
}

// Options is what Run needs; Resized alone may be nil.
type Options struct {
	Source   Source
	Operator Operator
	In, Out  *os.File        // the terminal
	Color    bool            // false for NO_COLOR and terminals without
	Resized  <-chan struct{} // SIGWINCH; without it a new size is seen within a second
}

// Run shows the monitor until q is pressed or ctx ends.
func Run(ctx context.Context, o Options) error {
	if !term.IsTerminal(o.In.Fd()) || !term.IsTerminal(o.Out.Fd()) {
		return errors.New("monit needs a terminal for input and output: try `docker exec -it`, or `gorun list`")
	}
	keys, err := cancelreader.NewReader(o.In)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	defer func() { _ = keys.Close() }()
	t, err := open(o.In, o.Out)
	if err != nil {
		return err
	}
	defer t.close()
	l := loop{
		source: o.Source, operator: o.Operator, display: t, resized: o.Resized,
		inbox: make(chan message, inboxSize), model: newModel(o.Color),
	}
	return l.run(ctx, keys)
}

// keyboard is what keys come from; Cancel ends a Read.
type keyboard interface {
	io.Reader
	Cancel() bool
}
