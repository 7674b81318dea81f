// Package command has the commands that talk to a running gorun: `docker exec
// CONTAINER gorun list` and its kin.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"gorun/health"
	"gorun/supervisor/control"
	"gorun/supervisor/control/screen"
)

// World is where a command runs.
type World struct {
	In, Out, Err *os.File
	Environ      []string
	CPUs         func() int // that this container may use
	// Watch hears of the wish to stop, and of a terminal's new size, until ctx
	// ends.
	Watch func(ctx context.Context, stop func(), resized chan<- struct{})
	// Act makes a cli action of one that returns an exit code.
	Act func(func(*cli.Context) (int, error)) cli.ActionFunc
}

const (
	codeFailure = 1
	codeUsage   = 2
)

// errUsage marks a mistake in the command line.
var errUsage = errors.New("see --help")

// Commands returns them, in the order of the help text.
func (w World) Commands() []*cli.Command {
	all := slices.Concat(w.looking(), w.ordering(), w.mailing(), w.reading())
	for _, c := range all {
		c.BashComplete = w.complete
	}
	return append(all, w.initCommand())
}

// Reaches tells whether a gorun is running here that can be asked.
func (w World) Reaches() bool {
	client, err := control.Dial(context.Background(), w.Place())
	if err != nil {
		return false
	}
	client.Close()
	return true
}

// run makes an action of a function that talks to gorun. Its errors are about
// the answer: exit 1; errUsage is about the question.
func (w World) run(do func(*call) error) cli.ActionFunc {
	return w.Act(func(c *cli.Context) (int, error) {
		ctx, cancel := context.WithCancel(c.Context)
		defer cancel()
		resized := make(chan struct{}, 1)
		go w.Watch(ctx, cancel, resized)
		client, err := control.Dial(ctx, w.Place())
		if err != nil {
			fmt.Fprintln(w.Err, "gorun:", err)
			return codeFailure, nil
		}
		defer client.Close()
		err = do(&call{Context: c, World: w, ctx: ctx, client: client, resized: resized})
		switch {
		case err == nil, ctx.Err() != nil && errors.Is(err, context.Canceled):
			return 0, nil
		case errors.Is(err, errUsage):
			return codeUsage, fmt.Errorf("%s: %w", c.Command.Name, err)
		case !errors.Is(err, errTold):
			fmt.Fprintln(w.Err, "gorun:", err)
		}
		return codeFailure, nil
	})
}

// errTold is a failure that has been printed.
var errTold = errors.New("told")

// call is one run of a command.
type call struct {
	*cli.Context
	World
	ctx     context.Context //nolint:containedctx // the command's own, for as long as it runs
	client  *control.Client
	resized <-chan struct{}
}

// Place is where gorun's socket is.
func (w World) Place() control.Place { return control.Place{Socket: w.Variable("GORUN_SOCKET")} }

// Variable returns a variable of the environment, "" where it is not set.
func (w World) Variable(name string) string {
	for _, pair := range slices.Backward(w.Environ) {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value
		}
	}
	return ""
}

// style is how the terminal wants it; a file or a pipe gets plain text.
func (w World) style() screen.Style {
	s := screen.Style{Now: time.Now()}
	size, err := unix.IoctlGetWinsize(int(w.Out.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return s
	}
	s.Width = int(size.Col)
	if s.Width == 0 {
		s.Width = 80 // a terminal that does not know
	}
	s.Color = w.colorful()
	return s
}

// colorful follows https://no-color.org.
func (w World) colorful() bool {
	return w.Variable("NO_COLOR") == "" && w.Variable("TERM") != "dumb"
}

// Health asks the gorun that runs here about all apps, or about one.
func (w World) Health(ctx context.Context, app string) (ok bool, text string, err error) {
	client, err := control.Dial(ctx, w.Place())
	if err != nil {
		return false, "", err
	}
	defer client.Close()
	page, err := client.Get(ctx, health.Path(app))
	if err != nil {
		return false, "", err
	}
	return health.ParseResponse(page.Status, page.Body)
}

// names returns the arguments, of which there must be at least one.
func (c *call) names() ([]string, error) {
	if c.NArg() == 0 {
		return nil, fmt.Errorf("name at least one app, worker id, namespace, /regex/ or all; %w", errUsage)
	}
	return c.Args().Slice(), nil
}

// complete lists what can be named, for the shell.
func (w World) complete(c *cli.Context) {
	client, err := control.Dial(c.Context, w.Place())
	if err != nil {
		return
	}
	defer client.Close()
	overview, err := client.Apps(c.Context)
	if err != nil {
		return
	}
	fmt.Fprintln(w.Out, "all")
	for _, app := range overview.Apps {
		fmt.Fprintln(w.Out, app.Name)
	}
}
