package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/supervisor/control/client"
	"gorun/supervisor/control/screen"
)

// errUsage marks a mistake in the command line.
var errUsage = errors.New("see --help")

// errPrinted is a failure that has been printed.
var errPrinted = errors.New("printed")

// clientCommands talk to a running gorun: `docker exec CONTAINER gorun list`. They
// are in the order of the help text.
func (c *commandLine) clientCommands() []*cli.Command {
	all := slices.Concat(queryCommands(c.withClient), operateCommands(c.withClient), messageCommands(c.withClient), logCommands(c.withClient))
	for _, one := range all {
		one.BashComplete = c.complete
	}
	return all
}

// session is one command that talks to the running gorun.
type session struct {
	Env

	args    *cli.Context    // the command's arguments and options
	appArgs []string        // those after "--"
	ctx     context.Context //nolint:containedctx // the command's own, for as long as it runs
	client  *client.Client
	files   files
	resized <-chan struct{} // the terminal has another size
}

// clientAction makes an action of a function that talks to gorun.
type clientAction func(do func(*session) error) cli.ActionFunc

// withClient makes an action of a function that talks to gorun. Its errors are about
// the answer: exit 1; errUsage is about the question.
func (c *commandLine) withClient(do func(*session) error) cli.ActionFunc {
	return c.act(func(args *cli.Context) (int, error) {
		ctx, cancel := context.WithCancel(args.Context)
		defer cancel()
		resized := make(chan struct{}, 1)
		go c.signals.Run(ctx, signals.Supervising, clientActions(cancel, resized))
		conn, err := client.Dial(ctx, c.address())
		if err != nil {
			fmt.Fprintln(c.Err, "gorun:", err)
			return codeFailure, nil
		}
		defer conn.Close()
		err = do(&session{
			Env: c.Env, args: args, appArgs: c.appArgs, ctx: ctx, client: conn, resized: resized,
			files: files{client: conn, only: list(args.String("only"))},
		})
		switch {
		case err == nil, ctx.Err() != nil && errors.Is(err, context.Canceled):
			return 0, nil
		case errors.Is(err, errUsage):
			return codeUsage, fmt.Errorf("%s: %w", args.Command.Name, err)
		case !errors.Is(err, errPrinted):
			fmt.Fprintln(c.Err, "gorun:", err)
		}
		return codeFailure, nil
	})
}

// clientActions are what signals do to a command in a terminal: those that stop a
// gorun stop it, SIGHUP too, for the terminal has gone.
func clientActions(stop func(), resized chan<- struct{}) signals.Actions {
	nothing := func() {}
	return signals.Actions{
		Reap: nothing, Reload: stop, Reopen: nothing, Stop: func(unix.Signal) { stop() },
		Forward: func(sig unix.Signal) {
			if sig == unix.SIGWINCH {
				select {
				case resized <- struct{}{}:
				default: // one is pending
				}
			}
		},
	}
}

// style is how the terminal wants it; a file or a pipe gets plain text.
func (e Env) style() screen.Style {
	style := screen.Style{Now: time.Now()}
	size, err := unix.IoctlGetWinsize(int(e.Out.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return style
	}
	style.Width = cmp.Or(int(size.Col), 80) // of a terminal that does not know
	style.Color = e.colored()
	return style
}

// colored follows https://no-color.org.
func (e Env) colored() bool {
	return e.Variable("NO_COLOR") == "" && e.Variable("TERM") != "dumb"
}

// names returns the arguments, of which there must be at least one.
func (s *session) names() ([]string, error) {
	if s.args.NArg() == 0 {
		return nil, fmt.Errorf("name at least one app, worker id, namespace, /regex/ or all; %w", errUsage)
	}
	return s.args.Args().Slice(), nil
}

// complete prints the names that the shell may complete.
func (c *commandLine) complete(args *cli.Context) {
	conn, err := client.Dial(args.Context, c.address())
	if err != nil {
		return
	}
	defer conn.Close()
	overview, err := conn.Apps(args.Context)
	if err != nil {
		return
	}
	fmt.Fprintln(c.Out, "all")
	for _, app := range overview.Apps {
		fmt.Fprintln(c.Out, app.Name)
	}
}
