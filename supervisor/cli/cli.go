// Package cli is gorun's command line: run, exec, check, and the commands that
// talk to a running gorun.
//
// It connects the parts and decides nothing about workers. One run of gorun is
// two goroutines of this package: that of main, which carries out the command,
// and the signal loop (signals.Listener.Run), which also reaps, so that it starts
// first and goes on to the very end. Nothing that the loop calls may block; what
// could, has a goroutine of its own: see actions.
package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/signals"
	"gorun/supervisor/control/client"
	"gorun/supervisor/process"
)

// The exit codes that are gorun's own.
const (
	codeFailure = 1   // gorun itself cannot go on, or the answer is no
	codeUsage   = 2   // bad input: nothing was started
	codeKilled  = 137 // a second signal cut the stop short
)

// Streams are the standard streams.
type Streams struct{ In, Out, Err *os.File }

// Env is what a run of gorun gets from outside.
type Env struct {
	Streams

	Args    []string // the first is gorun's own name
	Environ []string
	Version string
}

// Variable returns a variable of the environment, "" where it is not set.
func (e Env) Variable(name string) string {
	for _, pair := range slices.Backward(e.Environ) {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value
		}
	}
	return ""
}

// Run carries out a command line and returns the exit code. A process calls it
// once: it takes all signals.
func Run(env Env) int {
	if process.IsExecHelper(env.Args) {
		return process.RunExecHelper(env.Args, env.Environ, env.Err)
	}
	// The listener is not closed: giving back each signal costs the exit 2 ms.
	c := &commandLine{Env: env, signals: signals.NewListener()}
	return c.run()
}

// commandLine is one command line on its way to an exit code.
type commandLine struct {
	Env

	signals *signals.Listener
	appArgs []string // those after "--"
	code    int
}

func (c *commandLine) run() int {
	if err := c.parse(); err != nil {
		fmt.Fprintf(c.Err, "gorun: %v\n", err)
		return codeUsage
	}
	return c.code
}

// parse carries out the command line, too: the library calls the command's action.
// Its error is a mistake in the command line.
func (c *commandLine) parse() error {
	if len(c.Args) > 1 && c.Args[1] == "exec" {
		return c.execApp().Run(c.Args[1:])
	}
	app := c.app()
	args, rest := arrange(c.Args, app)
	c.appArgs = rest
	return app.Run(args)
}

func (c *commandLine) app() *cli.App {
	app := &cli.App{
		Name:                 "gorun",
		Usage:                "a container's first process: keeps the workers of an ecosystem file running",
		UsageText:            "gorun FILE|SCRIPT [options] [-- args]\ngorun exec [options] [--] COMMAND [ARG...]\ngorun COMMAND [options] [NAME...]",
		HideHelpCommand:      true,
		Version:              c.Version,
		EnableBashCompletion: true,
		Flags:                slices.Concat(runFlags(), appFlags()),
		Action:               c.act(c.supervise),
		Writer:               c.Out,
		ErrWriter:            c.Err,
		ExitErrHandler:       func(*cli.Context, error) {},
		OnUsageError:         usageError,
	}
	app.Commands = slices.Concat(c.localCommands(app.Flags), c.clientCommands(), c.printCommands(), []*cli.Command{c.initCommand()})
	for _, one := range app.Commands {
		one.OnUsageError = app.OnUsageError
	}
	return app
}

// localCommands need no running gorun.
func (c *commandLine) localCommands(running []cli.Flag) []*cli.Command {
	return []*cli.Command{
		{Name: "run", Usage: "run an ecosystem file or a script in the foreground", ArgsUsage: "FILE|SCRIPT", Flags: running, Action: c.act(c.supervise)},
		{Name: "start", Usage: "run FILE; where a gorun runs already: start its apps or workers, or add the apps of FILE to it", ArgsUsage: "FILE|SCRIPT|NAME...", Flags: running, Action: c.start},
		c.execCommand(),
		c.checkCommand(),
		{Name: "health", Usage: "print the health of the running gorun, or of one app; exit 0 or 1", ArgsUsage: "[APP]", Flags: []cli.Flag{webFlag()}, Action: c.act(c.health)},
		{Name: "version", Usage: "print the version", Action: c.act(c.version)},
	}
}

// act makes a cli action of a function that returns an exit code.
func (c *commandLine) act(do func(*cli.Context) (int, error)) cli.ActionFunc {
	return func(args *cli.Context) (err error) {
		c.code, err = do(args)
		return err
	}
}

func usageError(_ *cli.Context, err error, _ bool) error {
	return fmt.Errorf("%w; see gorun --help", err)
}

// start starts apps in the gorun that runs already, if there is one.
func (c *commandLine) start(args *cli.Context) error {
	if c.finds() {
		return c.withClient((*session).start)(args)
	}
	return c.act(c.supervise)(args)
}

// address is where the control socket is.
func (e Env) address() client.Address { return client.Address{Socket: e.Variable("GORUN_SOCKET")} }

// finds reports whether a gorun is running here that answers.
func (e Env) finds() bool {
	conn, err := client.Dial(context.Background(), e.address())
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
